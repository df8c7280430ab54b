// What do upstreams hear about a client with `--forwarded-headers skipper`?
import t from 'tap'
import { createClientRules } from './client-rules.ts'
import { connectionFacts } from './forwarded.ts'
import type { NginxHead } from './nginx-facts.ts'
import { requestFacts } from './request-facts.ts'
import type { SkipperHead } from './skipper-facts.ts'
import { silentHead } from './testing/silent-head.ts'

const said: Partial<NginxHead> = {
  forwardedFor: '203.0.113.9, 198.51.100.1',
  forwardedProto: 'https',
  forwardedHost: 'b.test',
  realIp: '203.0.113.9',
}

const rows: readonly {
  readonly head?: Partial<NginxHead & SkipperHead>
  readonly trustedProxies?: readonly string[]
  readonly trustedFields?: readonly string[]
  readonly lines: readonly string[]
  readonly client?: string
  readonly host?: string
  readonly why: string
}[] = [
  { lines: [], why: 'a client that says nothing: nothing is added' },
  { head: said, lines: [], why: 'what is not believed is not passed on' },
  {
    head: said,
    trustedProxies: ['192.0.2.0/24'],
    lines: ['X-Forwarded-For: 203.0.113.9, 198.51.100.1', 'X-Forwarded-Proto: https'],
    client: '198.51.100.1',
    why: 'what a trusted proxy says is passed on as it came',
  },
  {
    head: said,
    trustedProxies: ['192.0.2.0/24'],
    trustedFields: ['all'],
    lines: [
      'X-Forwarded-For: 203.0.113.9, 198.51.100.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: b.test',
      'X-Real-IP: 203.0.113.9',
    ],
    client: '198.51.100.1',
    why: 'all of it, where all is believed',
  },
  {
    head: { requestId: '0123456789abcdef' },
    lines: ['X-Request-Id: 0123456789abcdef'],
    why: 'an id that came stays',
  },
  {
    head: { authority: 'A.test.:8080' },
    lines: [],
    host: 'a.test',
    why: 'the host goes on as it is compared',
  },
]

for (const { head, lines, client = '192.0.2.1', host, why, ...trust } of rows) {
  t.test(why, async (t) => {
    const { trustedProxies = [], trustedFields = ['alb'] } = trust
    const rules = createClientRules(
      { trustedProxies, trustedFields, forwardedHeaders: 'skipper' },
      {},
    )
    const connection = {
      peerAddress: '192.0.2.1',
      localPort: 9999,
      isSecure: false,
      proxySource: undefined,
      proxyDestination: undefined,
    }
    const facts = connectionFacts(connection, rules)
    const found = requestFacts(facts, { ...silentHead, ...head }, () => 'made')
    t.strictSame(found.lines.split('\r\n').slice(0, -1), lines)
    t.equal(found.clientAddress, client)
    t.equal(found.upstreamHost, host)
  })
}
