// Is eskip read as Skipper reads it, and is what is wrong told with its place? Bad input is a table; that what is printed is
// read as the same is a property over all routes that the grammar can make.
import fc from 'fast-check'
import t from 'tap'
import type { Arg, Call, EskipBackend, EskipRoute } from './language.ts'
import { tellFault } from './language.ts'
import { maxEskipLength, parseEskip, parseFilters, parsePredicates } from './parse.ts'
import { printEskip, printFilters, printPredicates, quoteText } from './print.ts'

/** Without positions. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === 'at' ? undefined : part)))
}

function argsOf(text: string): readonly Arg[] | string {
  const result = parseFilters(text)
  return result.ok ? (result.value[0]?.args ?? []) : tellFault(result)
}

const readings: readonly { why: string; text: string; args: readonly Arg[] }[] = [
  { why: 'no argument', text: 'f()', args: [] },
  { why: 'white space is anywhere', text: '\n f\t(\r\n"a"\v,\f1 ) ', args: ['a', 1] },
  { why: 'a comment ends with its line', text: 'f( // one "\n"a")// the end', args: ['a'] },
  {
    why: 'double quotes and their escapes',
    text: String.raw`f("a\"b\\c\td\ne\a\b\f\r\v")`,
    args: ['a"b\\c\td\ne\u0007\b\f\r\v'],
  },
  {
    why: 'an escape that is none stays as it is',
    text: String.raw`f("a\db\'")`,
    args: [String.raw`a\db\'`],
  },
  { why: 'a text over several lines', text: 'f("a\nb")', args: ['a\nb'] },
  { why: 'backticks have the same escapes', text: 'f(`a"b\\`c\\\\\\n`)', args: ['a"b`c\\\n'] },
  {
    why: 'a regular expression with slashes in it',
    text: String.raw`f(/^\/api\/(v\d)/)`,
    args: [{ regexp: String.raw`^/api/(v\d)` }],
  },
  {
    why: 'in a class a slash needs no escape',
    text: 'f(/^[/]api/)',
    args: [{ regexp: '^[/]api' }],
  },
  {
    why: 'an escaped bracket opens no class',
    text: String.raw`f(/\[a/)`,
    args: [{ regexp: String.raw`\[a` }],
  },
  {
    why: 'two backslashes are one, as in Skipper',
    text: String.raw`f(/a\\.b/)`,
    args: [{ regexp: String.raw`a\.b` }],
  },
  {
    why: 'numbers',
    text: 'f(1, -2, 201.0, .5, -.25, 007, -0)',
    args: [1, -2, 201, 0.5, -0.25, 7, 0],
  },
  { why: 'characters beyond ASCII', text: 'f("ä€\u{1F600}")', args: ['ä€\u{1F600}'] },
]

for (const { why, text, args } of readings) {
  t.test(`reads: ${why}`, async (t) => t.same(argsOf(text), args))
}

const backends: readonly [text: string, backend: unknown][] = [
  ['"http://10.0.0.1:8080"', { kind: 'network', address: 'http://10.0.0.1:8080' }],
  ['<shunt>', { kind: 'shunt' }],
  ['<loopback>', { kind: 'loopback' }],
  ['<dynamic>', { kind: 'dynamic' }],
  ['<forward>', { kind: 'forward' }],
  ['<"http://a", "http://b">', { kind: 'lb', endpoints: ['http://a', 'http://b'] }],
  ['< random , `http://a` >', { kind: 'lb', algorithm: 'random', endpoints: ['http://a'] }],
  ['<shunt, "http://a">', { kind: 'lb', algorithm: 'shunt', endpoints: ['http://a'] }],
]

for (const [text, backend] of backends) {
  t.test(`reads the backend ${text}`, async (t) => {
    const result = parseEskip(`r: * -> ${text}`)
    t.same(plain(result.ok ? result.value[0]?.backend : result), backend)
  })
}

t.test('documents: names, semicolons, one route without a name, nothing', async (t) => {
  const ids = (text: string) => {
    const result = parseEskip(text)
    return result.ok ? result.value.map(({ id }) => id) : tellFault(result)
  }
  t.same(ids(''), [])
  t.same(ids(' // nothing\n'), [])
  t.same(ids('* -> <shunt>'), [''])
  t.same(ids('Path("/") -> <shunt>'), [''])
  t.same(ids('a: * -> <shunt>'), ['a'])
  t.same(ids(';a: * -> <shunt>;; b: Path("/") -> f() -> <shunt>;'), ['a', 'b'])
})

t.test('a star leaves no predicate behind, wherever it stands', async (t) => {
  for (const text of ['*', '* && *', '']) t.same(parsePredicates(text), { ok: true, value: [] })
  const result = parsePredicates('* && Path("/") && * && True()')
  t.same(result.ok && result.value.map(({ name }) => name), ['Path', 'True'])
})

t.test('each call knows its place', async (t) => {
  const result = parseEskip('// first\none: Path("/\n") &&\n  True() -> f()\n-> <shunt>')
  if (!result.ok) throw new Error(tellFault(result))
  const [route] = result.value
  t.same(route?.at, { line: 2, column: 1 })
  t.same(
    route?.predicates.map(({ at }) => at),
    [
      { line: 2, column: 6 },
      { line: 4, column: 3 },
    ],
  )
  t.same(route?.filters[0]?.at, { line: 4, column: 13 })
  t.same(route?.backend.at, { line: 5, column: 4 })
})

const wrong: readonly { why: string; text: string; fault: string }[] = [
  {
    why: 'nothing but a name',
    text: 'stripQuery',
    fault: 'line 1, column 11: expected ":" or "(", found the end',
  },
  {
    why: 'a route without backend',
    text: 'a: Path("/") -> ',
    fault: 'line 1, column 17: expected a filter or a backend, found the end',
  },
  {
    why: 'a backend that is none',
    text: 'a: * -> <shunt>; b: -> x',
    fault: 'line 1, column 21: expected a predicate or "*", found ->',
  },
  {
    why: 'a filter without parentheses',
    text: 'a: * -> f -> <shunt>',
    fault: 'line 1, column 11: expected "(", found ->',
  },
  {
    why: 'an open text',
    text: 'a: * ->\n "http://',
    fault:
      'line 2, column 10: expected a closing " of the text that begins at line 2, column 2, found the end',
  },
  {
    why: 'an open regular expression',
    text: 'a: Host(/[/) -> <shunt>',
    fault:
      'line 1, column 24: expected a closing / of the regular expression that begins at line 1, column 9, found the end',
  },
  {
    why: 'single quotes',
    text: "a: Path('/') -> <shunt>",
    fault: "line 1, column 9: expected a name, a text or a number, found '",
  },
  {
    why: 'a point without digits',
    text: 'a: Weight(1.) -> <shunt>',
    fault: 'line 1, column 13: expected a digit behind the point of a number, found )',
  },
  {
    why: 'two points',
    text: 'a: Weight(1.2.3) -> <shunt>',
    fault: 'line 1, column 14: expected "," or ")", found .3',
  },
  {
    why: 'a number without end',
    text: `a: Weight(${'9'.repeat(400)}) -> <shunt>`,
    fault: `line 1, column 11: expected a number that is not so large, found ${'9'.repeat(37)}...`,
  },
  {
    why: 'a comma too many',
    text: 'a: Path("/",) -> <shunt>',
    fault:
      'line 1, column 13: expected an argument: a text in quotes, a number or a /regular expression/, found )',
  },
  {
    why: 'a comma too early',
    text: 'a: Path(,"/") -> <shunt>',
    fault:
      'line 1, column 9: expected an argument: a text in quotes, a number or a /regular expression/, found ,',
  },
  {
    why: 'a call in a call',
    text: 'a: Path(f()) -> <shunt>',
    fault:
      'line 1, column 9: expected an argument: a text in quotes, a number or a /regular expression/, found f',
  },
  {
    why: 'one ampersand',
    text: 'a: True() & True() -> <shunt>',
    fault: 'line 1, column 11: expected a name, a text or a number, found &',
  },
  {
    why: 'no semicolon',
    text: 'a: * -> <shunt>\nb: * -> <shunt>',
    fault: 'line 2, column 1: expected ";" or the end, found b',
  },
  {
    why: 'a second route without a name',
    text: 'a: * -> <shunt>; * -> <shunt>',
    fault: 'line 1, column 18: expected the name of a route and ":", found *',
  },
  {
    why: 'something behind a route without a name',
    text: '* -> <shunt>;',
    fault: 'line 1, column 13: expected the end, found ;',
  },
  {
    why: 'a list without endpoints',
    text: 'a: * -> <>',
    fault: 'line 1, column 10: expected the address of an endpoint in quotes, found >',
  },
  {
    why: 'a list of its algorithm',
    text: 'a: * -> <random>',
    fault: 'line 1, column 16: expected "," and the address of an endpoint, found >',
  },
  {
    why: 'an open list',
    text: 'a: * -> <"http://a"',
    fault: 'line 1, column 20: expected "," or ">", found the end',
  },
  {
    why: 'a control character',
    text: 'a: \u0000',
    fault: 'line 1, column 4: expected a name, a text or a number, found \\u0000',
  },
  {
    why: 'too long',
    text: ' '.repeat(maxEskipLength + 1),
    fault: `line 1, column 1: expected at most ${maxEskipLength} characters, found ${maxEskipLength + 1}`,
  },
]

for (const { why, text, fault } of wrong) {
  t.test(`is told: ${why}`, async (t) => {
    const result = parseEskip(text)
    t.equal(result.ok ? 'no fault' : tellFault(result), fault)
  })
}

t.test('a chain of filters has no backend, and ends with a filter', async (t) => {
  const tell = (text: string) => {
    const result = parseFilters(text)
    return result.ok ? result.value.length : tellFault(result)
  }
  t.equal(tell(''), 0)
  t.equal(tell('// nothing'), 0)
  t.equal(tell('f() -> g()'), 2)
  t.equal(tell('f() ->'), 'line 1, column 7: expected a filter, found the end')
  t.equal(tell('f() -> <shunt>'), 'line 1, column 8: expected a filter, found <shunt>')
  t.equal(tell('f() && g()'), 'line 1, column 5: expected the end, found &&')
})

t.test('a mebibyte of anything is read in linear time', async (t) => {
  const fill = (piece: string) => piece.repeat(maxEskipLength / piece.length)
  const nasty = [
    ' ',
    '\n',
    '//\n',
    '(',
    '"',
    '\\',
    '[',
    '/',
    'a',
    '1',
    '<',
    ';',
    'a:',
    'f()->',
    '"\\\\',
    '&&',
    '*&&',
    '\u{1F600}',
  ]
  for (const piece of nasty) {
    for (const text of [fill(piece), `"${fill(piece).slice(1)}`, `a:f(/${fill(piece).slice(5)}`]) {
      const began = process.cpuUsage().user
      parseEskip(text)
      // It takes some 10 ms; what looks at all that is left for each token takes minutes.
      t.ok(process.cpuUsage().user - began < 2_000_000, JSON.stringify(text.slice(0, 20)))
    }
  }
})

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
const text = fc.string({ unit: 'binary', maxLength: 12 })
const awkward = fc.string({
  unit: fc.constantFrom('\\', '/', '[', ']', '"', '`', '\n', 'n', '(', '*', '>'),
  maxLength: 8,
})
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const arg: fc.Arbitrary<Arg> = fc.oneof(
  text,
  awkward,
  number,
  fc.integer(),
  fc.oneof(text, awkward).map((regexp) => ({ regexp })),
)
const at = fc.constant({ line: 1, column: 1 })
const call: fc.Arbitrary<Call> = fc.record({ name, args: fc.array(arg, { maxLength: 4 }), at })
const backend: fc.Arbitrary<EskipBackend> = fc.oneof(
  fc.record({ kind: fc.constant('network' as const), address: text, at }),
  fc.record({ kind: fc.constantFrom('shunt', 'loopback', 'dynamic', 'forward'), at }),
  fc.record(
    {
      kind: fc.constant('lb' as const),
      algorithm: name,
      endpoints: fc.array(text, { minLength: 1, maxLength: 3 }),
      at,
    },
    { requiredKeys: ['kind', 'endpoints', 'at'] },
  ),
)
const route: fc.Arbitrary<EskipRoute> = fc.record({
  id: name,
  predicates: fc.array(call, { maxLength: 3 }),
  filters: fc.array(call, { maxLength: 3 }),
  backend,
  at,
})

/** An expression that cannot stand between slashes is printed in quotes, which mean the same. */
function asTexts(value: unknown): unknown {
  const isRegexp = (part: unknown): part is { regexp: string } =>
    typeof part === 'object' && part !== null && 'regexp' in part
  return JSON.parse(
    JSON.stringify(plain(value), (_key, part) => (isRegexp(part) ? part.regexp : part)),
  )
}

t.test('what is printed is read as the same routes', async (t) => {
  fc.assert(
    fc.property(fc.array(route, { maxLength: 4 }), fc.boolean(), (routes, isPretty) => {
      const result = parseEskip(printEskip(routes, isPretty))
      t.same(asTexts(result.ok ? result.value : result), asTexts(routes))
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(route, ({ predicates, filters }) => {
      const ofPredicates = parsePredicates(printPredicates(predicates))
      t.same(asTexts(ofPredicates.ok && ofPredicates.value), asTexts(predicates))
      const ofFilters = parseFilters(printFilters(filters))
      t.same(asTexts(ofFilters.ok && ofFilters.value), asTexts(filters))
    }),
    { numRuns: 200 },
  )
})

t.test('common expressions are printed between slashes', async (t) => {
  for (const regexp of ['^(a[.]b)$', '^/api/', String.raw`\d+\.\d`, '[/]', String.raw`\[`]) {
    const printed = printFilters([{ name: 'f', args: [{ regexp }], at: { line: 1, column: 1 } }])
    t.match(printed, /^f\(\/.*\/\)$/)
    t.same(argsOf(printed), [{ regexp }])
  }
  t.equal(
    printFilters([{ name: 'f', args: [{ regexp: '' }], at: { line: 1, column: 1 } }]),
    'f("")',
  )
  t.equal(quoteText('a"\n'), String.raw`"a\"\n"`)
})

t.test('a route without a name is printed as one', async (t) => {
  const printed = printEskip([
    {
      id: '',
      predicates: [],
      filters: [],
      backend: { kind: 'shunt', at: { line: 1, column: 1 } },
      at: { line: 1, column: 1 },
    },
  ])
  t.equal(printed, '* -> <shunt>\n')
})
