// What do predicates of Skipper ask for, and what is wrong with those that ask for nothing?
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../../testing/assert-property.ts'
import { allHold, compileConditions } from '../../conditions/compile.ts'
import { requestView, type TestRequest } from '../../testing/request-view.ts'
import type { Call } from '../language.ts'
import { parsePredicates } from '../parse.ts'
import { type MatchParts, predicates, readPredicates } from './read.ts'

function callsOf(text: string): readonly Call[] {
  const parsed = parsePredicates(text)
  if (!parsed.ok) throw new Error(`not eskip: ${text}`)
  return parsed.value
}

function matchOf(text: string): MatchParts {
  const reading = readPredicates(callsOf(text))
  if (!reading.ok) throw new Error(JSON.stringify(reading.faults))
  return reading.match
}

const at = Date.UTC(2026, 2, 29, 10, 30)

function holds(text: string, request: TestRequest, isDraining = false): boolean {
  const context = { wallNow: () => at, isDraining: () => isDraining }
  return allHold(compileConditions(matchOf(text).conditions, context), requestView(request))
}

const places: readonly (readonly [text: string, parts: Partial<MatchParts>, why: string])[] = [
  ['*', { weight: 0 }, 'nothing'],
  ['Path("/a/b")', { pathType: 'Exact', path: '/a/b', weight: 0 }, 'a path weighs nothing'],
  ['Path("/a b/é")', { pathType: 'Exact', path: '/a%20b/%C3%A9' }, 'as requests spell it'],
  ['Path("/a/:id")', { pathType: 'Pattern', path: '/a/:id' }, 'one segment'],
  ['Path("/a/*rest")', { pathType: 'Pattern', path: '/a/*rest' }, 'the rest'],
  ['Path("/a/**")', { pathType: 'Pattern', path: '/a/**' }, 'the rest without a name'],
  ['PathSubtree("/a/")', { pathType: 'Prefix', path: '/a' }, 'a slash at the end says nothing'],
  ['PathSubtree("/")', { pathType: 'Prefix', path: '/' }, 'everything'],
  ['PathSubtree("/:x")', { pathType: 'PatternPrefix', path: '/:x' }, 'with a segment'],
  ['Host("^(a[.]test[.]?(:[0-9]+)?)$")', { hosts: ['a.test'], weight: 0 }, 'a name'],
  ['Host(/^a\\.test$/)', { hosts: ['a.test'] }, 'a name, otherwise written'],
  ['HostAny("a.test", "b.test:80")', { hosts: ['a.test'] }, 'a port never fits'],
  ['Weight(3) && Weight(2)', { weight: 5, conditions: [] }, 'weights add up'],
  ['True() && True()', { weight: 2, conditions: [] }, 'each predicate weighs one'],
  ['TrafficSegment(0, 0.5)', { weight: 0 }, 'but for a segment'],
  ['Header("A", "1") && Header("a", "2")', { weight: 1 }, 'of one header the last counts'],
]

for (const [text, parts, why] of places) {
  t.test(`${text}: ${why}`, async (t) => {
    t.match(matchOf(text), parts)
  })
}

t.test('of two hosts one is a condition', async (t) => {
  const { hosts, conditions, weight } = matchOf('Host("^a[.]test$") && HostAny("a.test", "b.test")')
  t.same(hosts, ['a.test'])
  t.same(conditions, [{ kind: 'host', pattern: '^(?:a\\.test|b\\.test)$' }])
  t.equal(weight, 1)
})

t.test('hosts of the object make those of predicates conditions', async (t) => {
  const reading = readPredicates(callsOf('Host("^a[.]test$")'), { hasHosts: true })
  t.match(reading, { match: { conditions: [{ kind: 'host' }], weight: 1 } })
  t.notOk(reading.ok && reading.match.hosts)
})

const rows: readonly (readonly [
  text: string,
  yes: readonly TestRequest[],
  no: readonly TestRequest[],
])[] = [
  ['Method("post")', [], [{ method: 'POST' }]],
  ['Methods("PUT", "patch")', [{ method: 'PATCH' }], [{ method: 'GET' }]],
  [
    'Header("X-A", "1")',
    [
      {
        fields: [
          ['x-a', '0'],
          ['x-a', '1'],
        ],
      },
    ],
    [{ fields: [['x-a', '0, 1']] }, {}],
  ],
  [
    'HeaderRegexp("X-A", "^b$")',
    [
      {
        fields: [
          ['x-a', 'a'],
          ['x-a', 'b'],
        ],
      },
    ],
    [{ fields: [['x-a', 'a, b']] }],
  ],
  [
    'HeaderSHA256("X-S", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")',
    [{ fields: [['x-s', 'secret']] }],
    [{ fields: [['x-s', 'Secret']] }, {}],
  ],
  ['Cookie("t", /^on$/)', [{ cookies: [['t', '"on"']] }], [{ cookies: [['t', 'one']] }]],
  ['QueryParam("q")', [{ query: '?a=1&q' }], [{ query: '?Q=1' }, {}]],
  ['QueryParam("q", "b")', [{ query: '?q=a&q=abc' }], [{ query: '?q=a' }]],
  ['PathRegexp("^/a b/")', [{ path: '/a%20b/c' }], [{ path: '/a+b/c' }]],
  ['PathRegexp("^/a/b$")', [{ path: '/a//b' }], [{ path: '/a/b/' }]],
  ['Host("example[.]org")', [{ host: 'www.example.org' }], [{ host: 'examplexorg' }]],
  ['Source("10.0.0.0/8")', [{ clientAddress: '10.1.1.1' }], [{ peerAddress: '10.1.1.1' }]],
  ['ClientIP("10.0.0.1")', [{ peerAddress: '10.0.0.1' }], [{ clientAddress: '10.0.0.1' }]],
  [
    'ContentLengthBetween(0, 5)',
    [{}, { bodyLength: 4 }],
    [{ bodyLength: 5 }, { bodyLength: undefined }],
  ],
  ['Before("2026-03-29T12:30:01+02:00")', [{}], []],
  ['After("2026-03-29T12:30:01+02:00")', [], [{}]],
  ['After("2026-03-29T12:30:00", "Europe/Berlin")', [{}], []],
  ['Before("2026-03-29T12:30:00", "Europe/Berlin")', [], [{}]],
  ['Between(1451642400, 4070908800)', [{}], []],
  ['Cron("30 10 * * *")', [{}], []],
  ['Cron("30 10 * * 1-6")', [], [{}]],
  ['Cron("*/15 8-12 29 3 7")', [{}], []],
  [
    'ForwardedProtocol("https")',
    [{ fields: [['forwarded', 'host=x;proto=https']] }],
    [{ fields: [['forwarded', 'proto=http']] }, { fields: [['x-forwarded-proto', 'https']] }],
  ],
  [
    'OTelBaggage("foo", "bar")',
    [{ fields: [['baggage', 'x=y,foo=bar;p=1']] }],
    [{ fields: [['baggage', 'foo=baz']] }, { fields: [['baggage', 'xfoo=bar']] }],
  ],
  ['False()', [], [{}]],
  ['Traffic(0)', [], [{ draw: 0 }, { draw: 0.5 }]],
  ['Traffic(1)', [{ draw: 0 }, { draw: 0.999 }], []],
  [
    'Traffic(0.5, "ab", "A")',
    [
      { cookies: [['ab', 'A']], draw: 0.1 },
      { cookies: [['ab', 'A']], draw: 0.9 },
    ],
    [
      { cookies: [['ab', 'B']], draw: 0.1 },
      { cookies: [['ab', 'B']], draw: 0.9 },
    ],
  ],
]

for (const [text, yes, no] of rows) {
  t.test(text, async (t) => {
    for (const request of yes) t.ok(holds(text, request), `holds of ${JSON.stringify(request)}`)
    for (const request of no) t.notOk(holds(text, request), `not of ${JSON.stringify(request)}`)
  })
}

function bearer(claims: object): TestRequest {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return { fields: [['authorization', `Bearer e30.${payload}.c2ln`]] }
}

t.test('claims of tokens', async (t) => {
  t.ok(holds('JWTPayloadAnyKV("a", "1", "b", "2")', bearer({ b: '2' })))
  t.notOk(holds('JWTPayloadAllKV("a", "1", "b", "2")', bearer({ b: '2' })))
  t.ok(holds('JWTPayloadAllKVRegexp("a", "^h", "s", "[0-9]")', bearer({ a: 'h', s: 'a1' })))
  t.notOk(holds('JWTPayloadAnyKV("n", "1")', bearer({ n: 1 })), 'a number is no text')
  t.notOk(holds('JWTPayloadAnyKV("toString", "x")', bearer({})))
  for (const text of ['bearer e30.eyJhIjoiMSJ9.x', 'Bearer abc', 'Bearer e30.%%%.x', 'Basic x']) {
    t.notOk(holds('JWTPayloadAnyKV("a", "1")', { fields: [['authorization', text]] }), text)
  }
})

t.test('Shutdown holds while the proxy is about to leave', async (t) => {
  t.notOk(holds('Shutdown()', {}, false))
  t.ok(holds('Shutdown()', {}, true))
})

const faulty: readonly (readonly [text: string, says: RegExp, why: string])[] = [
  ['Nonsense(1)', /There is no predicate Nonsense/, 'unknown'],
  ['Methdo("GET")', /There is no predicate/, 'misspelled'],
  ['Method("GET", "PUT")', /other arguments/, 'one method only'],
  ['Method(1)', /other arguments/, 'a number is no method'],
  ['HeaderRegexp("X-T", "(")', /no RE2 pattern/, 'a pattern that is none'],
  ['Between("2099-01-01T12:00:00Z", "2016-01-01T12:00:00Z")', /ends before/, 'backwards'],
  ['After("yesterday")', /a time that is none/, 'not a time'],
  ['After("2026-01-01T00:00:00")', /a time that is none/, 'a time somewhere'],
  ['After("2026-01-01T00:00:00", "Europe/Nowhere")', /a time that is none/, 'nowhere'],
  ['Cron("* * *")', /five fields/, 'three fields'],
  ['Cron("60 * * * *")', /five fields/, 'no minute'],
  ['Traffic(2)', /0 to 1/, 'more than all'],
  ['Source("10.0.0.0/33")', /cannot be used/, 'no network'],
  ['Path("/a/*rest/b")', /not the last segment/, 'a rest in the middle'],
  ['Path("a")', /does not begin/, 'no slash'],
  ['Path("/a/../b")', /no request has/, 'a path that requests do not have'],
  ['JWTPayloadAnyKV("a")', /other arguments/, 'half a pair'],
  ['Weight(1.5)', /no whole number/, 'half a weight'],
]

for (const [text, says, why] of faulty) {
  t.test(`${text} is a fault: ${why}`, async (t) => {
    const reading = readPredicates(callsOf(text))
    const [fault] = reading.ok ? [] : reading.faults
    t.match(fault?.message ?? 'no fault', says)
    t.ok((fault?.remedy ?? '').length > 5)
    t.same(fault?.at, { line: 1, column: 1 })
  })
}

t.test('a near name is offered', async (t) => {
  const reading = readPredicates(callsOf('Methdo("GET")'))
  t.match(reading, { faults: [{ remedy: 'Did you mean Method?' }] })
})

t.test('chances of two routes are independent of each other', async (t) => {
  const draws = Array.from({ length: 20_000 }, (_, at) => (at + 0.5) / 20_000)
  const chanceOf = (seed: string) => {
    const reading = readPredicates(callsOf('Traffic(0.3)'), { seed })
    const conditions = reading.ok ? reading.match.conditions : []
    const questions = compileConditions(conditions, { wallNow: () => 0 })
    return draws.map((draw) => allHold(questions, requestView({ draw })))
  }
  const [one, other] = [chanceOf('ns/a'), chanceOf('ns/b')]
  const share = (list: readonly boolean[]) => list.filter(Boolean).length / draws.length
  const both = one.map((holds, at) => holds && other[at] === true)
  t.ok(Math.abs(share(one) - 0.3) < 0.02, `${share(one)}`)
  t.ok(Math.abs(share(other) - 0.3) < 0.02, `${share(other)}`)
  t.ok(Math.abs(share(both) - 0.09) < 0.02, `${share(both)}`)
})

t.test('the order of predicates says nothing', async (t) => {
  const texts = rows.map(([text]) => text).filter((text) => !/^(Header|Traffic)\(/.test(text))
  assertProperty(
    t,
    fc.property(
      fc
        .subarray(texts, { minLength: 2, maxLength: 4 })
        .chain((chosen) =>
          fc.shuffledSubarray(chosen, { minLength: chosen.length }).map((other) => [chosen, other]),
        ),
      fc.constantFrom(...rows.flatMap(([, yes, no]) => [...yes, ...no])),
      ([one = [], other = []], request) => {
        const [a, b] = [one.join(' && '), other.join(' && ')]
        return (
          holds(a, request) === holds(b, request) &&
          matchOf(a).weight === matchOf(b).weight &&
          holds(a, request) === one.every((text) => holds(text, request))
        )
      },
    ),
  )
})

t.test('every predicate of the table is tried here', async (t) => {
  const text = JSON.stringify([places, rows]) + String(faulty)
  const untried = ['SourceFromLast', 'JWTPayloadAnyKVRegexp', 'Tee']
  for (const { name } of predicates) {
    t.ok(untried.includes(name) || text.includes(`${name}(`) || /^JWT|^Shutdown/.test(name), name)
  }
})
