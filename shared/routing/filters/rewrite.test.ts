import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { compileAny, compilePattern, type PatternResult } from '../pattern.ts'
import { compileContext, requestView } from '../testing/filter-stage.ts'
import { type RewriteFilter, rewriteKind } from './rewrite.ts'

function decode(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** The path that goes upstream; undefined when the filter has a fault. */
function compileRewrite(filter: RewriteFilter): ((path: string) => string) | undefined {
  if (rewriteKind.fault(filter) !== undefined) return undefined
  const { request: step } = rewriteKind.compile(filter, compileContext())
  return (path) => {
    const request = requestView({ path })
    if (step?.kind === 'sync') step.decide(request)
    return request.target
  }
}

const prefixes = [
  { from: '/api', to: '/', path: '/api/x', out: '/x', why: 'the prefix goes, its slash stays' },
  { from: '/api', to: '/', path: '/api', out: '/', why: 'the prefix alone becomes the root' },
  { from: '/api', to: '/', path: '/api/', out: '/', why: 'no second slash at the join' },
  { from: '/api/', to: '/v1/', path: '/api/x', out: '/v1/x', why: 'trailing slashes do not count' },
  { from: '/api/', to: '/v1/', path: '/api', out: '/v1', why: 'a prefix covers itself' },
  { from: '/', to: '/app', path: '/x', out: '/app/x', why: 'a root prefix adds a folder' },
  { from: '/', to: '/app', path: '/', out: '/app/', why: 'and keeps the slash the client sent' },
  { from: '/', to: '/', path: '/x//y/', out: '/x//y/', why: 'nothing else of the path changes' },
  {
    from: '/api',
    to: '/',
    path: '/api//evil',
    out: '/evil',
    why: '`//host` upstream reads as a host',
  },
  {
    from: '/api',
    to: '/v1',
    path: '/apiary',
    out: '/v1',
    why: 'a misfit is not forwarded as it came',
  },
  { from: '/a', to: '/b', path: '/a/%20é', out: '/b/%20é', why: 'bytes of the rest are kept' },
]

for (const { from, to, path, out, why } of prefixes) {
  t.test(`prefix ${from} to ${to}: ${path} becomes ${out}: ${why}`, async (t) => {
    t.equal(compileRewrite({ kind: 'rewrite', by: 'prefix', from, to })?.(path), out)
  })
}

const regexes = [
  {
    pattern: '/api(/|$)(.*)',
    replacement: '/$2',
    path: '/api/x/y',
    out: '/x/y',
    why: 'the usual idiom',
  },
  { pattern: '/api(/|$)(.*)', replacement: '/$2', path: '/api', out: '/', why: 'group 2 is empty' },
  {
    pattern: '/api/(.*)',
    replacement: '/$1',
    path: '/API/X',
    out: '/X',
    why: 'case-insensitive; captures keep case',
  },
  {
    pattern: '/a',
    replacement: '/b',
    path: '/a/long/rest',
    out: '/b',
    why: 'the whole path is replaced',
  },
  {
    pattern: '/(a)(b)?',
    replacement: '/$2/$1',
    path: '/a',
    out: '/a',
    why: 'a group that took no part is empty',
  },
  {
    pattern: '/(a)',
    replacement: '/$1$9',
    path: '/a',
    out: '/a',
    why: 'a group that does not exist is empty',
  },
  {
    pattern: '/(.)(.)',
    replacement: '/$10',
    path: '/ab',
    out: '/a0',
    why: 'groups have one digit, as in nginx',
  },
  {
    pattern: '/(\\d+)',
    replacement: '/item?id=$1',
    path: '/42',
    out: '/item?id=42',
    why: 'a query part is allowed',
  },
  { pattern: '/a(.*)', replacement: '$1', path: '/ab', out: '/b', why: 'a slash is put in front' },
  {
    pattern: '/a(.*)',
    replacement: '$1',
    path: '/a',
    out: '/',
    why: 'an empty result is the root',
  },
  {
    pattern: '/a(.*)',
    replacement: '/$1',
    path: '/a//evil.test',
    out: '/evil.test',
    why: '`//host` reads as a host',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img../secret',
    out: '/static/secret',
    why: 'no climb (nginx alias traversal)',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img%2e%2E/secret',
    out: '/static/secret',
    why: 'no climb in disguise',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img..',
    out: '/static',
    why: 'no climb at the end',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img..;/secret',
    out: '/static/secret',
    why: 'no climb for Tomcat',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img..%2Fsecret/x',
    out: '/static/x',
    why: 'nor for who decodes slashes first',
  },
  {
    pattern: '/img(.*)',
    replacement: '/static/$1',
    path: '/img..%5Csecret/%252e%252e/x',
    out: '/static/x',
    why: 'nor backslashes, nor twice',
  },
  {
    pattern: '/(.*)/x',
    replacement: '/.$1',
    path: '/./x',
    out: '/',
    why: 'a dot from each side makes no climb',
  },
  {
    pattern: '/a(.*)',
    replacement: '/b$1',
    path: '/a...x',
    out: '/b...x',
    why: 'dots within a segment are just text',
  },
  {
    pattern: '/a(.*)',
    replacement: '/b/$1',
    path: '/a x',
    out: '/b/%20x',
    why: 'a space would split the request line',
  },
  {
    pattern: '(?s)/a(.*)',
    replacement: '/b/$1',
    path: '/a\r\nhost: evil',
    out: '/b/%0D%0Ahost:%20evil',
    why: 'so would a line end',
  },
  {
    pattern: '/a(.*)',
    replacement: '/b/$1',
    path: '/a#x',
    out: '/b/%23x',
    why: 'a fragment never goes upstream',
  },
  {
    pattern: '/a(.*)',
    replacement: '/b?q=$1',
    path: '/a b#c',
    out: '/b?q=%20b%23c',
    why: 'nor in a query',
  },
  {
    pattern: '/x(.*)',
    replacement: '/y/$1',
    path: '/other',
    out: '/y/',
    why: 'a misfit is not forwarded as it came',
  },
  {
    pattern: '/$',
    replacement: '/$$',
    path: '/',
    out: '/$$',
    why: 'a dollar that names no group is text',
  },
]

for (const { pattern, replacement, path, out, why } of regexes) {
  t.test(`${pattern} to ${replacement}: ${JSON.stringify(path)}: ${why}`, async (t) => {
    t.equal(compileRewrite({ kind: 'rewrite', by: 'regex', pattern, replacement })?.(path), out)
  })
}

const refused = [
  { pattern: '/a(?=b)', why: 'look-ahead' },
  { pattern: '/a(?<!b)', why: 'look-behind' },
  { pattern: '/(a)\\1', why: 'back-reference' },
  { pattern: '/a++', why: 'possessive' },
  { pattern: '/(?>a)', why: 'atomic' },
  { pattern: '/(', why: 'unbalanced' },
  { pattern: '/((a{100}){100}){100}', why: 'a million states' },
  { pattern: '/(a{9}){99}', why: 'a program that is too large to be run per request' },
  { pattern: `/${'a'.repeat(600)}`, why: 'too long' },
]

for (const { pattern, why } of refused) {
  t.test(`${pattern.slice(0, 30)} is refused: ${why}`, async (t) => {
    const result = compilePattern(pattern)
    t.equal(result.ok, false)
    t.ok(result.ok || result.reason.length > 10, 'with a reason')
    t.equal(compileRewrite({ kind: 'rewrite', by: 'regex', pattern, replacement: '/' }), undefined)
  })
}

t.test('a pattern that explodes in a backtracking engine is linear here', async (t) => {
  const result = compilePattern('/(a*)*(a|aa)+(.*)*$x')
  t.ok(result.ok)
  if (!result.ok) return
  // A backtracking engine needs more than 2^100 steps: ending at all is the assertion.
  t.equal(result.pattern.test(`/${'a'.repeat(400)}!`), false)
})

t.test('whatever a client sends, the rewritten path keeps the invariants', async (t) => {
  const rewrites = [
    compileRewrite({ kind: 'rewrite', by: 'prefix', from: '/a', to: '/' }),
    compileRewrite({ kind: 'rewrite', by: 'prefix', from: '/', to: '/b/' }),
    compileRewrite({ kind: 'rewrite', by: 'regex', pattern: '(?s)/a(.*)', replacement: '/b/$1' }),
    compileRewrite({ kind: 'rewrite', by: 'regex', pattern: '(?s)(.*)', replacement: '$1' }),
    compileRewrite({
      kind: 'rewrite',
      by: 'regex',
      pattern: '(?s)/(.)(.*)',
      replacement: '.$2/$1.',
    }),
  ]
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    ';',
    '%2F',
    '%5C',
    '%252e',
    'a',
    '\r',
    '\n',
    ' ',
    '#',
    '\0',
    'é',
    '\ud800',
  )
  const path = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)
  assertProperty(
    t,
    fc.property(path, fc.nat(rewrites.length - 1), (path, index) => {
      const out = rewrites[index]?.(path) ?? ''
      const segments = out.split('/')
      const [first, ...rest] = segments
      const clean = /^[!-"$-~\x80-\xff]+$/.test(out)
      const decoded = decode(decode(out))
        .replaceAll('\\', '/')
        .replace(/;[^/]*/g, '')
      const climbs = decoded.split('/').some((segment) => segment === '.' || segment === '..')
      return first === '' && rest[0] !== undefined && !out.startsWith('//') && clean && !climbs
    }),
    { numRuns: 2000 },
  )
})

t.test('the fast engine for idioms matches as RE2 does', async (t) => {
  const head = fc.array(fc.constantFrom('/', 'a', 'B', 'k', '.', '\\.', '-', '_', '%2f', ':'), {
    maxLength: 4,
  })
  const slash = fc.constantFrom('', '(/|$)', '(/)?', '/?')
  const rest = fc.constantFrom('', '(.*)')
  const end = fc.constantFrom('', '$')
  const pattern = fc.tuple(head, slash, rest, end).map((parts) => parts.flat().join(''))
  const chars = fc.constantFrom(
    '/',
    'a',
    'A',
    'b',
    'k',
    '.',
    '-',
    '%2F',
    '\n',
    '\r',
    '\x85',
    'é',
    '\u2028',
  )
  const path = fc.array(chars, { maxLength: 8 }).map((parts) => parts.join(''))
  const outcome = (result: PatternResult, text: string) =>
    result.ok && [result.pattern.groupCount, result.pattern.test(text), result.pattern.groups(text)]
  let matches = 0
  assertProperty(
    t,
    fc.property(pattern, path, (source, text) => {
      const expected = outcome(compileAny(source), text)
      if (expected !== false && expected[1] === true) matches++
      deepStrictEqual(outcome(compilePattern(source), text), expected)
    }),
    { numRuns: 1500 },
  )
  t.ok(matches > 50, 'the property saw matches')
})

t.test('an idiom is as linear as RE2', async (t) => {
  const result = compilePattern('/a(/|$)(.*)$')
  t.ok(result.ok)
  if (!result.ok) return
  t.equal(result.pattern.test(`/a/${'a/'.repeat(100_000)}\n`), false)
})
