import t from 'tap'
import type { Condition } from '../../conditions/condition.ts'
import {
  parseHeaderMatch,
  parseMethodMatch,
  parsePairMatch,
  parseShareMatch,
  parseSourceMatch,
  parseTimeMatch,
} from './match-values.ts'
import type { Parser } from './values.ts'

const parsers: Readonly<Record<string, Parser<readonly Condition[]>>> = {
  method: parseMethodMatch,
  header: parseHeaderMatch,
  query: parsePairMatch('query'),
  cookie: parsePairMatch('cookie'),
  source: parseSourceMatch,
  time: parseTimeMatch,
  share: parseShareMatch,
}

const not = (condition: Condition): Condition => ({ kind: 'not', condition })
const header = (name: string, text?: string): Condition => ({
  kind: 'header',
  name,
  text: text === undefined ? { kind: 'present' } : { kind: 'exact', text },
})
const pattern = (kind: 'header' | 'query' | 'cookie', name: string, text: string): Condition => ({
  kind,
  name,
  text: { kind: 'regex', pattern: text },
})
const method = (...anyOf: string[]): Condition => ({ kind: 'method', anyOf })
const source = (...networks: string[]): Condition => ({ kind: 'source', networks, of: 'client' })
const time = (fromMs: number, untilMs: number): Condition => ({ kind: 'time', fromMs, untilMs })
const share = (from: number, below: number): Condition => ({ kind: 'share', from, below })

const may = Date.parse('2026-05-01T00:00:00Z')
const endOfTime = 8.64e15

const read: readonly {
  readonly kind: string
  readonly text: string
  readonly means: readonly Condition[]
  readonly why: string
}[] = [
  { kind: 'method', text: 'GET', means: [method('GET')], why: 'one' },
  { kind: 'method', text: 'get, PUT\nhead', means: [method('GET', 'PUT', 'HEAD')], why: 'several' },
  { kind: 'method', text: '!GET,HEAD', means: [not(method('GET', 'HEAD'))], why: 'none of these' },
  { kind: 'header', text: 'X-A: 1', means: [header('x-a', '1')], why: 'names are lower case' },
  { kind: 'header', text: 'X-A:1', means: [header('x-a', '1')], why: 'the space may be left out' },
  { kind: 'header', text: 'X-A', means: [header('x-a')], why: 'present' },
  { kind: 'header', text: 'X-A:', means: [header('x-a', '')], why: 'present and empty' },
  { kind: 'header', text: '!X-A', means: [not(header('x-a'))], why: 'absent' },
  { kind: 'header', text: '! X-A: b: c', means: [not(header('x-a', 'b: c'))], why: 'other value' },
  {
    kind: 'header',
    text: '\n X-A: 1 \n\n!X-B: ~^(a|b)$\n',
    means: [header('x-a', '1'), not(pattern('header', 'x-b', '^(a|b)$'))],
    why: 'one condition per line',
  },
  { kind: 'query', text: 'v=~^2', means: [pattern('query', 'v', '^2')], why: 'a pattern' },
  {
    kind: 'query',
    text: 'a b=c=d',
    means: [{ kind: 'query', name: 'a b', text: { kind: 'exact', text: 'c=d' } }],
    why: 'decoded text, the first = divides',
  },
  {
    kind: 'cookie',
    text: '!Beta',
    means: [not({ kind: 'cookie', name: 'Beta', text: { kind: 'present' } })],
    why: 'names of cookies keep their case',
  },
  { kind: 'source', text: '10.0.0.0/8 ::1', means: [source('10.0.0.0/8', '::1')], why: 'several' },
  { kind: 'source', text: '!10.0.0.0/8', means: [not(source('10.0.0.0/8'))], why: 'all others' },
  {
    kind: 'time',
    text: '2026-05-01T00:00Z/2026-05-01T01:00:00.5+01:00',
    means: [time(may, may + 500)],
    why: 'with seconds and zone',
  },
  { kind: 'time', text: '2026-05-01T00:00Z/', means: [time(may, endOfTime)], why: 'no end' },
  { kind: 'time', text: '/2026-05-01T00:00Z', means: [time(0, may)], why: 'no begin' },
  { kind: 'time', text: '!/2026-05-01T00:00Z', means: [not(time(0, may))], why: 'negated' },
  { kind: 'share', text: '10%', means: [share(0, 0.1)], why: 'the first part' },
  { kind: 'share', text: '10', means: [share(0, 0.1)], why: 'percent need no sign' },
  { kind: 'share', text: '12.5% - 30%', means: [share(0.125, 0.3)], why: 'a part beside it' },
  { kind: 'share', text: '0%', means: [share(0, 0)], why: 'nothing, for now' },
  { kind: 'share', text: '100%', means: [share(0, 1)], why: 'all' },
]

for (const { kind, text, means, why } of read) {
  t.test(`match-${kind} ${JSON.stringify(text)}: ${why}`, async (t) => {
    t.same(parsers[kind]?.(text), { ok: true, value: means })
  })
}

const refused = [
  { kind: 'method', text: '', reason: /no method/, why: 'nothing' },
  { kind: 'method', text: '!', reason: /no method/, why: 'nothing negated' },
  { kind: 'method', text: 'GET, !PUT', reason: /front of all/, why: '! is for all' },
  { kind: 'method', text: '!GET, !PUT', reason: /front of all/, why: 'once' },
  { kind: 'header', text: '', reason: /at least one/, why: 'nothing' },
  { kind: 'header', text: '!', reason: /'!', which names ''/, why: 'no name' },
  { kind: 'header', text: 'X A: 1', reason: /'X A: 1', which names 'x a'/, why: 'no header name' },
  { kind: 'header', text: 'X-A: 1\nHost: b', reason: /in the rule/, why: 'one bad line of two' },
  { kind: 'header', text: 'X-A: ~(', reason: /no RE2 pattern/, why: 'no pattern' },
  { kind: 'query', text: '=1', reason: /no query parameter/, why: 'no name' },
  { kind: 'query', text: 'a=~(?!b)', reason: /no RE2 pattern/, why: 'RE2 looks not ahead' },
  { kind: 'cookie', text: 'a b=1', reason: /not a cookie name/, why: 'no name of a cookie' },
  { kind: 'source', text: '', reason: /no network/, why: 'nothing' },
  { kind: 'source', text: '10.0.0.0/8, a.test', reason: /a\.test/, why: 'a host is no network' },
  { kind: 'time', text: '/', reason: /from\/until/, why: 'always is not asked for' },
  { kind: 'time', text: '2026-05-01T00:00Z', reason: /from\/until/, why: 'no interval' },
  { kind: 'time', text: '2026-05-01T00:00/', reason: /from\/until/, why: 'no zone' },
  { kind: 'time', text: '2026-13-01T00:00Z/', reason: /from\/until/, why: 'no month' },
  { kind: 'time', text: '2026-02-30T00:00Z/', reason: /from\/until/, why: 'no day of its month' },
  {
    kind: 'time',
    text: '2026-05-02T00:00Z/2026-05-01T00:00Z',
    reason: /ends before/,
    why: 'backwards',
  },
  { kind: 'share', text: '101', reason: /10%/, why: 'more than all' },
  { kind: 'share', text: '30-10', reason: /10%/, why: 'backwards' },
  { kind: 'share', text: '-10', reason: /10%/, why: 'less than nothing' },
  { kind: 'share', text: '0.1.2', reason: /10%/, why: 'no number' },
]

for (const { kind, text, reason, why } of refused) {
  t.test(`match-${kind} ${JSON.stringify(text)} is refused: ${why}`, async (t) => {
    const result = parsers[kind]?.(text)
    t.match(result?.ok === false ? result.reason : '', reason)
  })
}
