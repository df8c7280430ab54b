import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { normalisePath, readingsOf, spellQuery } from './path.ts'

const cases = [
  { path: '/', is: '/', why: 'the root' },
  { path: '/a/b.html', is: '/a/b.html', why: 'ordinary' },
  { path: '/a..b/c.', is: '/a..b/c.', why: 'dots inside names are names' },
  { path: '/.well-known/acme', is: '/.well-known/acme', why: 'a name may begin with a dot' },
  { path: '/.../..x', is: '/.../..x', why: 'three dots are a name, so is ..x' },
  { path: '/bar//bershop', is: '/bar//bershop', why: 'slashes are kept (conformance history-004)' },
  { path: '//b.test/admin', is: '//b.test/admin', why: 'no authority in origin-form' },
  { path: '/a/./b', is: '/a/b', why: 'RFC 3986 §5.2.4' },
  { path: '/a/.', is: '/a/', why: 'a dot at the end leaves its slash' },
  { path: '/a/../b', is: '/b', why: 'two dots remove a segment' },
  { path: '/a/b/..', is: '/a/', why: 'and leave its slash' },
  { path: '/a/%2E%2e/b', is: '/b', why: 'encoded dots are dots' },
  { path: '/a/.%2e/b', is: '/b', why: 'half encoded, too' },
  { path: '/caf%C3%A9/../b', is: '/b', why: 'an encoded letter is no separator' },
  { path: '/..', is: undefined, why: 'above the root' },
  { path: '/a/../../b', is: undefined, why: 'above the root later' },
  { path: '/public//../admin', is: undefined, why: 'merged slashes would make it /admin' },
  { path: '/a%2fb/../c', is: undefined, why: 'one or two segments to remove' },
  { path: '/a;x=b%2Fc', is: undefined, why: 'a parameter of one segment or of two' },
  { path: '/a%3bx%00/b', is: undefined, why: 'is the end of the path in the parameter' },
  { path: '/a%2Fb;x=1', is: '/a%2Fb;x=1', why: 'in front of it the separator hides nothing' },
  { path: '/a;x=1/b%2Fc', is: '/a;x=1/b%2Fc', why: 'in another segment it is nobody’s parameter' },
  { path: '/a;x/../c', is: undefined, why: 'parameters make readers differ' },
  { path: '/public/..;/admin', is: undefined, why: 'Tomcat reads ..; as dots' },
  { path: '/public/..%3b/admin', is: undefined, why: 'encoded, too' },
  { path: '/public/..%5cadmin', is: undefined, why: 'a decoded backslash separates' },
  { path: '/public%2f..%2fadmin', is: undefined, why: 'decoded slashes separate' },
  { path: '/public/..%00/admin', is: undefined, why: 'NUL ends a C string' },
  { path: '/public/%252e%252e/admin', is: undefined, why: 'decoded twice' },
  { path: '/public/%c0%ae%c0%ae/admin', is: undefined, why: 'overlong UTF-8 dots' },
  { path: '/public/\xc0\xae\xc0\xae/admin', is: undefined, why: 'as bytes' },
  {
    path: '/public/%f8%80%80%80%ae%fc%80%80%80%80%ae/admin',
    is: undefined,
    why: 'overlong dots in five and six bytes',
  },
  { path: '/public/..%c1%9cadmin', is: undefined, why: 'an overlong backslash' },
  {
    path: '/projects/group%2Fname',
    is: '/projects/group%2Fname',
    why: 'one segment, kept encoded',
  },
  { path: '/a%2520b', is: '/a%2520b', why: 'a percent sign stays encoded' },
  { path: '/%61dmin', is: '/admin', why: 'an escape of an unreserved character is that character' },
  { path: '/%41%5A%5f%7e%2d%30', is: '/AZ_~-0', why: 'all of RFC 3986 §2.3' },
  { path: '/.%77ell-known', is: '/.well-known', why: 'behind a dot, too' },
  { path: '/%2ewell-known', is: '/.well-known', why: 'a dot that begins a name' },
  { path: '/%2561', is: '/%2561', why: 'decoded once only' },
  { path: '/caf%c3%a9', is: '/caf%C3%A9', why: 'hex digits of escapes have one case' },
  { path: '/a%3ab%2fc', is: '/a%3Ab%2Fc', why: 'escapes of reserved characters stay escapes' },
  { path: '/a;v=1/b', is: '/a;v=1/b', why: 'parameters without dots are harmless' },
  { path: '/a%00b', is: '/a%00b', why: 'stays encoded' },
  { path: '/a%0d%0aX:1', is: '/a%0D%0AX:1', why: 'stays encoded' },
  { path: '/\xe9', is: '/%E9', why: 'a raw byte and its escape are the same to every application' },
  { path: '/caf\xc3\xa9', is: '/caf%C3%A9', why: 'a rule for /café fits either way' },
  {
    path: '/a"<>^`{|}[]b',
    is: '/a%22%3C%3E%5E%60%7B%7C%7D%5B%5Db',
    why: 'browsers send some of them raw and some escaped; RFC 3986 allows escapes only',
  },
  { path: '/a\\b', is: undefined, why: 'a backslash is a slash for some' },
  { path: '/a%', is: undefined, why: 'a broken escape' },
  { path: '/a%zz', is: undefined, why: 'a broken escape' },
  { path: '/p#frag', is: undefined, why: 'no fragment in a target' },
  { path: '/a\0b', is: undefined, why: 'a control byte' },
  { path: '/a b', is: undefined, why: 'a space' },
  { path: 'admin', is: undefined, why: 'not origin-form' },
  { path: '*', is: undefined, why: 'not origin-form' },
  { path: '', is: undefined, why: 'not origin-form' },
]

for (const { path, is, why } of cases) {
  t.test(`${JSON.stringify(path)} becomes ${is}: ${why}`, async (t) => {
    t.equal(normalisePath(path), is)
  })
}

const queries = [
  { query: '?', is: '?', why: 'empty' },
  { query: '?a=%2e%2E&b=/../?', is: '?a=%2e%2E&b=/../?', why: 'everything else stays as it came' },
  { query: '?q=caf\xe9', is: '?q=caf%E9', why: 'as in a path (it was a 400 once)' },
  { query: '?a="<>^`{|}[]\\', is: '?a="<>^`{|}[]\\', why: 'what browsers send raw' },
  { query: '?a#b', is: undefined, why: 'no fragment in a target' },
  { query: '?a b', is: undefined, why: 'a space' },
  { query: '?\xe9\0', is: undefined, why: 'a control byte' },
]

for (const { query, is, why } of queries) {
  t.test(`${JSON.stringify(query)} becomes ${is}: ${why}`, async (t) => {
    t.equal(spellQuery(query), is)
  })
}

const readInManyWays = [
  { path: '/a.b/c-d', matched: undefined, lenient: undefined, why: 'nobody reads it otherwise' },
  { path: '/caf%C3%A9/%20%22', matched: undefined, lenient: undefined, why: 'nor these' },
  { path: '//a///b/', matched: '//a///b/', lenient: '/a/b/', why: 'slashes merged' },
  { path: '/a%2Fb', matched: '/a%2Fb', lenient: '/a/b', why: '%2F is a slash for some' },
  { path: '/a%5C%2Fb', matched: '/a%5C%2Fb', lenient: '/a/b', why: 'so is a backslash' },
  { path: '/%40x%3A%2B', matched: '/@x:+', lenient: '/@x:+', why: 'decoded, all read the same' },
  { path: '/a%252Fb', matched: '/a%252Fb', lenient: '/a/b', why: 'decoded twice' },
  { path: '/%2561', matched: '/%2561', lenient: '/a', why: 'decoded twice' },
  { path: '/100%25/a', matched: '/100%25/a', lenient: '/100%25/a', why: 'a percent sign' },
  { path: '/a;x=1/b', matched: '/a;x=1/b', lenient: '/a/b', why: 'Tomcat cuts parameters' },
  { path: '/a%3Bx/b', matched: '/a;x/b', lenient: '/a/b', why: 'some cut them once decoded' },
  { path: '/;x/a', matched: '/;x/a', lenient: '/a', why: 'a segment that is a parameter' },
  { path: '/a%C0%AFb', matched: '/a%C0%AFb', lenient: '/a/b', why: 'an overlong slash' },
  {
    path: '/%C1%A1%E0%81%A2',
    matched: '/%C1%A1%E0%81%A2',
    lenient: '/ab',
    why: 'overlong letters',
  },
  {
    path: '/%F8%80%80%80%AFa%FC%80%80%80%81%A2',
    matched: '/%F8%80%80%80%AFa%FC%80%80%80%81%A2',
    lenient: '/ab',
    why: 'in five and six bytes, as decoders before RFC 3629 took it',
  },
  { path: '/a%3Fb/c', matched: '/a%3Fb/c', lenient: '/a', why: 'an end for some' },
  { path: '/a%00/b', matched: '/a%00/b', lenient: '/a', why: 'an end for some' },
  { path: '/a%2523b', matched: '/a%2523b', lenient: '/a', why: 'an end once decoded' },
]

for (const { path, matched, lenient, why } of readInManyWays) {
  t.test(`${path} is also read as ${lenient}: ${why}`, async (t) => {
    t.strictSame(readingsOf(path), matched === undefined ? undefined : { matched, lenient })
  })
}

type View = (path: string) => string
const once: View = (path) =>
  path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
const backslashes: View = (path) => path.replaceAll('\\', '/')
const cut: View = (path) => path.replace(/;[^/]*/g, '')
const merged: View = (path) => path.replace(/\/+/g, '/')

/** The naive oracle: every reading of a path that an upstream may have, dot segments resolved. */
function readings(path: string): string[] {
  let all = [path]
  for (const view of [once, backslashes, cut, merged]) all = [...all, ...all.map(view)]
  return all.map(resolve)
}

function resolve(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}`
}

function isUnder(rule: string, path: string): boolean {
  return path === rule || path.startsWith(`${rule}/`)
}

function staysWhereMatched(path: string): boolean {
  const result = normalisePath(path)
  if (result === undefined || !isUnder('/public', result)) return true
  return readings(result).every((reading) => isUnder('/public', reading))
}

const hostile = new URL('../../test/cases/http1-hostile.json', import.meta.url)
interface HostileCase {
  readonly id: string
  readonly raw?: string
  readonly expect: { readonly accept: readonly string[] }
}
// The file is our own copy of the case data; its shape is the one above.
const { cases: hostileCases } = JSON.parse(readFileSync(hostile, 'utf8')) as {
  cases: readonly HostileCase[]
}

for (const { id, raw, expect } of hostileCases) {
  const target = /^[A-Z]+ (\/[^\r\n]*) HTTP\/1\.1\r\n/.exec(raw ?? '')?.[1]
  if (!/^(PATH|HOST)/.test(id) || target === undefined) continue
  t.test(
    `${id} ${JSON.stringify(target.slice(0, 60))} is treated as the case allows`,
    async (t) => {
      const path = target.split('?', 1)[0] ?? ''
      const result = normalisePath(path)
      const outcomes = result === undefined ? ['400'] : ['forwarded', 'forwarded-normalised', '404']
      // Where the case asks for a refusal of something else (Host, a byte in the query), the path alone may pass.
      if (id.startsWith('PATH') && path === target) {
        t.ok(outcomes.some((outcome) => expect.accept.includes(outcome)))
      }
      t.ok(staysWhereMatched(path))
      if (result === '//b.test/admin') t.ok(expect.accept.includes('forwarded'))
    },
  )
}

t.test('no reading of a path that /public matched leaves /public', async (t) => {
  const piece = fc.constantFrom(
    ...[
      '/',
      '/',
      '/',
      '//',
      '.',
      '..',
      '...',
      '%2e',
      '%2E%2e',
      '.%2e',
      ';',
      ';x=1',
      '%3b',
      '\\',
      '%5c',
    ],
    ...[
      '%2f',
      '%2F',
      '%00',
      '%25',
      '%252e',
      '%252f',
      '%c0%ae',
      '%c0%af',
      '\xc0\xae',
      '%20',
      '%23',
      '%3f',
    ],
    ...['public', 'admin', 'x', 'a.b', '%61'],
  )
  const path = fc
    .tuple(
      fc.constantFrom('/', '/public/', '/public', '//public/'),
      fc.array(piece, { maxLength: 14 }),
    )
    .map(([start, pieces]) => start + pieces.join(''))
  assertProperty(t, fc.property(path, staysWhereMatched), { numRuns: 20000 })
  assertProperty(
    t,
    fc.property(path, (path) => {
      const result = normalisePath(path)
      return result === undefined || normalisePath(result) === result
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('any string is answered in linear time without throwing', async (t) => {
  assertProperty(
    t,
    fc.property(
      fc.string({ unit: 'binary' }),
      (text) => typeof normalisePath(`/${text}`) !== 'number',
    ),
  )
  t.equal(normalisePath('/%25'.repeat(4096)), '/%25'.repeat(4096))
  t.equal(normalisePath('/a/..'.repeat(3276)), '/')
  t.equal(normalisePath('/..'.repeat(5000)), undefined)
})
