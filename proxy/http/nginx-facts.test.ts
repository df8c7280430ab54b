// What do upstreams hear about a client with `--forwarded-headers nginx`, and what does the ConfigMap change of it?
import t from 'tap'
import type { ServingRules } from '../../shared/routing/serving-rules.ts'
import { createClientRules } from './client-rules.ts'
import { connectionFacts } from './forwarded.ts'
import type { NginxHead } from './nginx-facts.ts'
import { requestFacts } from './request-facts.ts'
import { silentHead } from './testing/silent-head.ts'

const nothing = { ...silentHead, query: '?y' }
const said: Partial<NginxHead> = {
  forwardedFor: '203.0.113.9',
  forwardedProto: 'https',
  forwardedHost: 'b.test',
  forwardedPort: '8443',
}

interface Row {
  readonly rules?: ServingRules
  readonly trustedProxies?: readonly string[]
  readonly head?: Partial<NginxHead>
  readonly peer?: string
  readonly toPort?: number
  /** All lines, but those that are as in `usual`; undefined: no such line. */
  readonly lines: Readonly<Record<string, string | undefined>>
  readonly host?: string
  readonly why: string
}

const usual = {
  'X-Real-IP': '192.0.2.1',
  'X-Forwarded-For': '192.0.2.1',
  'X-Forwarded-Host': 'a.test',
  'X-Forwarded-Port': '9999',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Scheme': 'http',
  'X-Scheme': 'http',
  'X-Request-ID': 'made',
}
const believed = {
  'X-Real-IP': '203.0.113.9',
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Host': 'b.test',
  'X-Forwarded-Port': '8443',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Scheme': 'https',
  'X-Scheme': 'https',
  'X-Original-Forwarded-For': '203.0.113.9',
  'X-Original-Forwarded-Host': 'b.test',
}

const rows: readonly Row[] = [
  { lines: {}, why: 'a client that says nothing' },
  {
    head: said,
    lines: { 'X-Original-Forwarded-For': '203.0.113.9', 'X-Original-Forwarded-Host': 'b.test' },
    why: 'what is not believed is told under other names only',
  },
  {
    toPort: 443,
    lines: {
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Scheme': 'https',
      'X-Scheme': 'https',
    },
    why: 'a PROXY header names the port',
  },
  {
    rules: { believesForwarded: true },
    head: said,
    lines: believed,
    host: 'b.test',
    why: 'use-forwarded-headers believes everybody; the host goes upstream, too',
  },
  {
    rules: { believesForwarded: true, believedNetworks: ['10.0.0.0/8'] },
    head: said,
    lines: { 'X-Original-Forwarded-For': '203.0.113.9', 'X-Original-Forwarded-Host': 'b.test' },
    why: 'proxy-real-ip-cidr keeps a stranger from naming the host',
  },
  {
    rules: { believesForwarded: true, keepsForwardedChain: true },
    head: said,
    lines: { ...believed, 'X-Forwarded-For': '203.0.113.9, 192.0.2.1' },
    host: 'b.test',
    why: 'compute-full-forwarded-for keeps the chain',
  },
  {
    rules: { believesAddress: true },
    head: said,
    lines: {
      'X-Real-IP': '203.0.113.9',
      'X-Forwarded-For': '203.0.113.9',
      'X-Original-Forwarded-For': '203.0.113.9',
      'X-Original-Forwarded-Host': 'b.test',
    },
    why: 'enable-real-ip believes the address alone',
  },
  {
    rules: { believesForwarded: true, forwardedForField: 'cf-connecting-ip' },
    head: { otherForwarded: 'CF-Connecting-IP: 203.0.113.9\r\n', forwardedFor: '6.6.6.6' },
    lines: {
      'X-Real-IP': '203.0.113.9',
      'X-Forwarded-For': '203.0.113.9',
      'X-Original-Forwarded-For': '203.0.113.9',
      'CF-Connecting-IP': '203.0.113.9',
    },
    why: 'forwarded-for-header names another field, and X-Forwarded-For means nothing',
  },
  {
    trustedProxies: ['192.0.2.0/24'],
    head: said,
    lines: {
      'X-Real-IP': '203.0.113.9',
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Port': '8443',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Scheme': 'https',
      'X-Scheme': 'https',
      'X-Original-Forwarded-For': '203.0.113.9',
      'X-Original-Forwarded-Host': 'b.test',
    },
    why: 'a peer of --trusted-proxies is believed in what an ALB writes: not the host',
  },
  { head: { requestId: 'mine-1' }, lines: { 'X-Request-ID': 'mine-1' }, why: 'an id is kept' },
  { head: { requestId: 'two words' }, lines: {}, why: 'a harmful one is replaced' },
  {
    rules: { generatesRequestId: false },
    lines: { 'X-Request-ID': undefined },
    why: 'none is made where none is wanted',
  },
  {
    rules: { addsOriginalUri: true },
    lines: { 'X-Original-URI': '/x?y' },
    why: 'proxy-add-original-uri-header',
  },
  {
    head: { otherForwarded: 'X-Scheme: https\r\nX-Original-Forwarded-For: 6.6.6.6\r\n' },
    lines: {},
    why: 'a forged word of ours is no word of ours',
  },
]

for (const {
  rules = {},
  trustedProxies = [],
  head,
  peer = '192.0.2.1',
  toPort,
  lines,
  host,
  why,
} of rows) {
  t.test(why, async (t) => {
    const settings = { trustedProxies, trustedFields: ['alb'], forwardedHeaders: 'nginx' } as const
    const destination = toPort === undefined ? undefined : { address: '10.0.0.1', port: toPort }
    const connection = {
      peerAddress: peer,
      localPort: 9999,
      isSecure: false,
      proxySource: destination && { address: peer, port: 1 },
      proxyDestination: destination,
    }
    const facts = connectionFacts(connection, createClientRules(settings, rules))
    const found = requestFacts(facts, { ...nothing, ...head }, () => 'made')
    const pairs = found.lines
      .split('\r\n')
      .slice(0, -1)
      .map((line) => line.split(': '))
    const wanted = Object.entries({ ...usual, ...lines }).filter(([, value]) => value !== undefined)
    t.strictSame(pairs.sort(), wanted.sort())
    t.equal(found.upstreamHost, host)
  })
}
