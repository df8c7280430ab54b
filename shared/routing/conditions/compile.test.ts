import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { requestView, type TestRequest } from '../testing/request-view.ts'
import { allHold, compileConditions, faultOf } from './compile.ts'
import type { Condition, TextMatch } from './condition.ts'
import { arbitraryCondition, arbitraryRequest, holdsByTheBook } from './testing/oracle.ts'

const noon = Date.parse('2026-06-01T12:00:00Z')

function holds(conditions: readonly Condition[], request: TestRequest, now = noon): boolean {
  return allHold(compileConditions(conditions, { wallNow: () => now }), requestView(request))
}

const exact = (text: string): TextMatch => ({ kind: 'exact', text })
const regex = (pattern: string): TextMatch => ({ kind: 'regex', pattern })
const present: TextMatch = { kind: 'present' }
const not = (condition: Condition): Condition => ({ kind: 'not', condition })
const header = (name: string, text: TextMatch): Condition => ({ kind: 'header', name, text })
const query = (name: string, text: TextMatch): Condition => ({ kind: 'query', name, text })
const cookie = (name: string, text: TextMatch): Condition => ({ kind: 'cookie', name, text })
const method = (...anyOf: string[]): Condition => ({ kind: 'method', anyOf })
const source = (of: 'client' | 'peer', ...networks: string[]): Condition => ({
  kind: 'source',
  networks,
  of,
})
const time = (fromMs: number, untilMs: number): Condition => ({ kind: 'time', fromMs, untilMs })
const share = (from: number, below: number): Condition => ({ kind: 'share', from, below })

interface Row {
  readonly if: readonly Condition[]
  readonly of: TestRequest
  readonly holds: boolean
  readonly why: string
}

const rows: readonly Row[] = [
  { if: [], of: {}, holds: true, why: 'nothing is asked' },
  { if: [method('GET')], of: { method: 'GET' }, holds: true, why: 'the method' },
  { if: [method('GET')], of: { method: 'HEAD' }, holds: false, why: 'HEAD is another method' },
  { if: [method('GET', 'PUT')], of: { method: 'PUT' }, holds: true, why: 'one of several' },
  { if: [method('get')], of: { method: 'GET' }, holds: false, why: 'case counts (RFC 9110 §9.1)' },
  {
    if: [header('x-a', exact('1'))],
    of: { fields: [['X-A', '1']] },
    holds: true,
    why: 'a name in any case',
  },
  {
    if: [header('x-a', exact('1'))],
    of: { fields: [['X-A', '12']] },
    holds: false,
    why: 'all of the value',
  },
  { if: [header('x-a', exact(''))], of: {}, holds: false, why: 'an absent field has no value' },
  { if: [header('x-a', exact(''))], of: { fields: [['x-a', '']] }, holds: true, why: 'empty' },
  { if: [header('x-a', present)], of: { fields: [['x-a', '']] }, holds: true, why: 'present' },
  { if: [header('x-a', present)], of: {}, holds: false, why: 'not present' },
  { if: [not(header('x-a', present))], of: {}, holds: true, why: 'wanted absent' },
  {
    if: [header('x-a', exact('1, 2'))],
    of: {
      fields: [
        ['x-a', '1'],
        ['x-a', '2'],
      ],
    },
    holds: true,
    why: 'several lines are one value (RFC 9110 §5.3)',
  },
  {
    if: [header('x-a', regex('b+'))],
    of: { fields: [['x-a', 'abbc']] },
    holds: true,
    why: 'a pattern matches anywhere',
  },
  {
    if: [header('x-a', regex('^b+$'))],
    of: { fields: [['x-a', 'abbc']] },
    holds: false,
    why: 'unless it is anchored',
  },
  { if: [header('x-a', regex('.*'))], of: {}, holds: false, why: 'nothing to match' },
  { if: [not(header('x-a', regex('.*')))], of: {}, holds: true, why: 'so its negation holds' },
  {
    if: [header('x-a', exact('café'))],
    of: { fields: [['x-a', 'caf\xc3\xa9']] },
    holds: true,
    why: 'bytes are UTF-8',
  },
  {
    if: [header('x-a', regex('^caf.$'))],
    of: { fields: [['x-a', 'caf\xc3\xa9']] },
    holds: true,
    why: 'also for patterns',
  },
  { if: [query('a', exact('1 2'))], of: { query: '?a=1+2' }, holds: true, why: 'decoded' },
  { if: [query('a', exact('2'))], of: { query: '?a=1&a=2' }, holds: false, why: 'the first one' },
  { if: [query('a', present)], of: { query: '?a' }, holds: true, why: 'a parameter without value' },
  { if: [query('a', regex('^$'))], of: { query: '?a' }, holds: true, why: 'which is empty' },
  { if: [query('a', present)], of: { query: '?b=a' }, holds: false, why: 'no such parameter' },
  { if: [cookie('c', exact('1'))], of: { cookies: [['c', '1']] }, holds: true, why: 'a cookie' },
  { if: [cookie('C', present)], of: { cookies: [['c', '1']] }, holds: false, why: 'case counts' },
  {
    if: [cookie('c', regex('^1'))],
    of: {
      cookies: [
        ['c', '2'],
        ['c', '1'],
      ],
    },
    holds: false,
    why: 'the first cookie of the name',
  },
  {
    if: [source('client', '10.0.0.0/8')],
    of: { clientAddress: '10.1.2.3', peerAddress: '192.0.2.1' },
    holds: true,
    why: 'the client behind the load balancer',
  },
  {
    if: [source('peer', '10.0.0.0/8')],
    of: { clientAddress: '10.1.2.3', peerAddress: '192.0.2.1' },
    holds: false,
    why: 'the load balancer itself',
  },
  {
    if: [source('client', '10.0.0.0/8', '2001:db8::/32')],
    of: { clientAddress: '2001:db8::1' },
    holds: true,
    why: 'one of several networks',
  },
  {
    if: [source('client', '::/0')],
    of: { clientAddress: '10.1.2.3' },
    holds: false,
    why: 'all of IPv6 is not IPv4',
  },
  {
    if: [not(source('client', '0.0.0.0/0', '::/0'))],
    of: { clientAddress: 'unknown' },
    holds: true,
    why: 'what is no address is in no network',
  },
  { if: [time(noon, noon + 1)], of: {}, holds: true, why: 'from is included' },
  { if: [time(noon - 1, noon)], of: {}, holds: false, why: 'until is not' },
  { if: [share(0, 0.1)], of: { draw: 0 }, holds: true, why: 'from is included' },
  { if: [share(0, 0.1)], of: { draw: 0.1 }, holds: false, why: 'below is not' },
  { if: [share(0, 0)], of: { draw: 0 }, holds: false, why: 'no requests at all' },
  { if: [share(0.1, 1)], of: { draw: 0.999 }, holds: true, why: 'the rest' },
  { if: [not(not(method('GET')))], of: {}, holds: true, why: 'negated twice' },
  {
    if: [method('GET'), query('a', present)],
    of: { method: 'GET' },
    holds: false,
    why: 'all must hold',
  },
]

for (const row of rows) {
  t.test(`${JSON.stringify(row.if)} of ${JSON.stringify(row.of)}: ${row.why}`, async (t) => {
    t.strictSame(row.if.map(faultOf).filter(Boolean), [])
    t.equal(holds(row.if, row.of), row.holds)
  })
}

t.test('a route without conditions has no questions', async (t) => {
  t.equal(compileConditions([], { wallNow: () => 0 }), undefined)
})

t.test('time goes on after the route was built', async (t) => {
  let now = noon - 1
  const questions = compileConditions([time(noon, noon + 1)], { wallNow: () => now })
  const asked = [noon - 1, noon, noon + 1].map((at) => {
    now = at
    return allHold(questions, requestView())
  })
  t.same(asked, [false, true, false])
})

const faults: readonly { readonly of: Condition; readonly says: RegExp; readonly why: string }[] = [
  { of: method(), says: /no method/, why: 'an empty list means nothing' },
  { of: method('GET', 'GE T'), says: /'GE T'/, why: 'not a method' },
  { of: method(''), says: /not a method/, why: 'no name' },
  { of: header('', present), says: /not a header name/, why: 'no name' },
  { of: header('X-A', present), says: /lower case/, why: 'names are lower case' },
  { of: header('x a', present), says: /not a header name/, why: 'a space' },
  { of: header('host', exact('a')), says: /in the rule/, why: 'the host is the route’s' },
  { of: header('upgrade', present), says: /connection/, why: 'conditions never see it' },
  { of: header('x-a', exact(' 1')), says: /no header can have/, why: 'values are trimmed' },
  { of: header('x-a', exact('1\r\nx')), says: /no header can have/, why: 'values are one line' },
  { of: header('x-a', regex('(')), says: /no RE2 pattern/, why: 'not a pattern' },
  { of: query('', present), says: /no query parameter/, why: 'no name' },
  { of: query('a', regex('(?=a)')), says: /no RE2 pattern/, why: 'not RE2' },
  { of: cookie('a b', present), says: /not a cookie name/, why: 'not a token' },
  { of: cookie('a', exact('1;2')), says: /no cookie can have/, why: '; ends a cookie' },
  { of: cookie('a', regex('[')), says: /no RE2 pattern/, why: 'not a pattern' },
  { of: source('client'), says: /no network/, why: 'an empty list means nothing' },
  { of: source('peer', '10.0.0.0/33'), says: /10\.0\.0\.0\/33/, why: 'not a network' },
  { of: source('peer', 'a.test'), says: /a\.test/, why: 'a name is no address' },
  { of: time(noon, noon), says: /ends before/, why: 'no time at all' },
  { of: time(Number.NaN, noon), says: /none/, why: 'no time' },
  { of: time(0, Number.POSITIVE_INFINITY), says: /none/, why: 'not a time in JSON' },
  { of: share(0.5, 0.4), says: /0 and 1/, why: 'backwards' },
  { of: share(-0.1, 0.5), says: /0 and 1/, why: 'less than nothing' },
  { of: share(0, 1.1), says: /0 and 1/, why: 'more than all' },
  { of: share(0, Number.NaN), says: /0 and 1/, why: 'no number' },
  { of: { kind: 'chance', chance: 2, seed: 0 }, says: /0 to 1/, why: 'more than all' },
  { of: { kind: 'host', pattern: '(' }, says: /no RE2 pattern/, why: 'not a pattern' },
  { of: { kind: 'path', pattern: '(?=a)' }, says: /no RE2 pattern/, why: 'not RE2' },
  { of: { kind: 'length', from: 5, below: 5 }, says: /below the second/, why: 'no length at all' },
  { of: { kind: 'hash', name: 'x-a', anyOf: [] }, says: /no SHA-256/, why: 'no sum' },
  { of: { kind: 'hash', name: 'x-a', anyOf: ['abc'] }, says: /'abc'/, why: 'too short a sum' },
  { of: { kind: 'token', needs: 'all', claims: [] }, says: /no claim/, why: 'all of nothing' },
  { of: { kind: 'cron', expression: '* * * *' }, says: /five fields/, why: 'a field is missing' },
  { of: { kind: 'cron', expression: '5-1 * * * *' }, says: /five fields/, why: 'backwards' },
  { of: not(not(header('x-a', regex('(')))), says: /no RE2 pattern/, why: 'a negated fault' },
]

for (const { of, says, why } of faults) {
  t.test(`${JSON.stringify(of)} has a fault: ${why}`, async (t) => {
    t.match(faultOf(of) ?? '', says)
    const request: TestRequest = { method: 'GET', fields: [['x-a', '1']], cookies: [['a', '1']] }
    t.equal(holds([of], request), false, 'it never holds')
    t.equal(holds([not(of)], request), false, 'nor does its negation')
  })
}

t.test('what is compiled holds when the words say so', async (t) => {
  assertProperty(
    t,
    fc.property(
      fc.array(arbitraryCondition, { maxLength: 3 }),
      fc.array(arbitraryRequest, { minLength: 5 }),
      (conditions, requests) =>
        requests.every(
          (request) =>
            holds(conditions, request, 50) ===
            conditions.every((condition) => holdsByTheBook(condition, request, 50)),
        ),
    ),
    { numRuns: 3000 },
  )
  t.pass()
})
