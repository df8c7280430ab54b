import t from 'tap'
import type { Problem } from '../../problem.ts'
import { reportTo } from '../shapes.ts'
import { parseRulePath } from './paths.ts'

const kept: { path: unknown; type?: unknown; regex?: boolean; gives: string; why: string }[] = [
  { path: '/a', type: 'Exact', gives: 'Exact /a', why: 'Exact' },
  { path: '/a/', type: 'Exact', gives: 'Exact /a/', why: 'Exact is literal' },
  { path: '/a', type: 'Prefix', gives: 'Prefix /a', why: 'Prefix' },
  { path: '/a/', type: 'Prefix', gives: 'Prefix /a', why: 'a Prefix ignores its trailing slash' },
  { path: '/', type: 'Prefix', gives: 'Prefix /', why: 'the root keeps its slash' },
  { path: '/a', type: 'ImplementationSpecific', gives: 'Prefix /a', why: 'ours is Prefix' },
  { path: '/a', gives: 'Prefix /a', why: 'no type' },
  { path: '', gives: 'Prefix /', why: 'an empty path' },
  { path: null, type: 'Exact', gives: 'Exact /', why: 'no path' },
  { path: '/A', gives: 'Prefix /A', why: 'case matters' },
  { path: '/a%20b', gives: 'Prefix /a%20b', why: 'what a path cannot hold stays encoded' },
  { path: '/caf%c3%a9', gives: 'Prefix /caf%C3%A9', why: 'hex digits have one case' },
  { path: '/%7Euser/%61', gives: 'Prefix /~user/a', why: 'unreserved characters are decoded' },
  { path: '/%40team', gives: 'Prefix /@team', why: 'so is what means the same either way' },
  { path: '/ä', gives: 'Prefix /%C3%A4', why: 'what browsers send for ä' },
  { path: '/\ud800', gives: 'Prefix /%EF%BF%BD', why: 'half a character is no reason to throw' },
  {
    path: "/~a.b-c_d!$&'()%2A+,=:@",
    gives: "Prefix /~a.b-c_d!$&'()*+,=:@",
    why: 'RFC 3986 pchar; a * that is meant is written as its escape',
  },
  { path: '/...', gives: 'Prefix /...', why: 'three dots are a name' },
  { path: '/.well-known/', gives: 'Prefix /.well-known', why: 'a name may begin with a dot' },
  { path: '/a/(.*)', regex: true, gives: 'Regex /a/(.*)', why: 'use-regex' },
  { path: '/a/', type: 'Prefix', regex: true, gives: 'Regex /a/', why: 'Prefix, too, as nginx' },
  { path: '/a', type: 'Exact', regex: true, gives: 'Exact /a', why: 'Exact stays Exact' },
  { path: '', regex: true, gives: 'Regex /', why: 'an empty path matches everything' },
  { path: '/caf\u00e9/(.*)', regex: true, gives: 'Regex /caf%C3%A9/(.*)', why: 'as in requests' },
  { path: '/%7Euser', regex: true, gives: 'Regex /~user', why: 'as in requests' },
  { path: '/a{2}|/b$', regex: true, gives: 'Regex /a{2}|/b$', why: 'characters of patterns' },
]

for (const { path, type, regex = false, gives, why } of kept) {
  t.test(`${JSON.stringify(path)} of type ${type} is ${gives}: ${why}`, async (t) => {
    const problems: Problem[] = []
    const rulePath = read(path, type, regex, problems)
    t.equal(`${rulePath?.pathType} ${rulePath?.path}`, gives)
    t.same(problems, [])
  })
}

const refused: { path: unknown; type?: unknown; regex?: boolean; why: string }[] = [
  { path: 'a', why: 'not absolute' },
  { path: 5, why: 'a number' },
  { path: {}, why: 'a mapping' },
  { path: '/a', type: 'prefix', why: 'types are case-sensitive' },
  { path: '/a', type: 7, why: 'a type that is no text' },
  { path: '/a b', why: 'a space' },
  { path: '/a{alias /var/run/secrets/;}', why: 'what no URL holds' },
  { path: '/a?b=1', why: 'a query' },
  { path: '/a#b', why: 'a fragment' },
  { path: '/a\\b', why: 'a backslash' },
  { path: '/a\nb', why: 'a line break' },
  { path: '/a\0', regex: true, why: 'NUL, also in a pattern' },
  { path: '/a//b', why: 'an empty segment' },
  { path: '/a/./b', why: 'a dot segment' },
  { path: '/a/..', why: 'a dot segment at the end' },
  { path: '/a/%2e%2e/b', why: 'an encoded dot segment' },
  { path: '/a%2fb', why: 'an encoded slash' },
  { path: '/a%5cb', why: 'an encoded backslash is a slash for some' },
  { path: '/a;b', why: 'Tomcat reads it as /a, so a rule for /a would be walked past' },
  { path: '/a%3Bb', why: 'the same, encoded' },
  { path: '/a%3Fb', why: 'some read it as /a' },
  { path: '/a%2561', why: 'some decode twice' },
  { path: '/[\u00e9]', regex: true, why: 'no class holds the escapes of a character' },
  { path: '/a%', why: 'half a percent code' },
  { path: '/a%g0', why: 'no percent code' },
  { path: `/${'a'.repeat(5000)}`, why: 'too long' },
  { path: '/(', regex: true, why: 'no pattern' },
  { path: '/a(?=b)', regex: true, why: 'look-ahead needs backtracking' },
  { path: 'a', regex: true, why: 'a pattern is a path, too' },
]

for (const { path, type, regex = false, why } of refused) {
  t.test(`${JSON.stringify(path).slice(0, 40)} is refused: ${why}`, async (t) => {
    const problems: Problem[] = []
    t.equal(read(path, type, regex, problems), undefined)
    t.match(problems, [
      { reason: 'invalid-path', field: /^spec\.rules\[0]\.http\.paths\[0]\.path/ },
    ])
    t.equal(problems.length, 1)
  })
}

const types = ['Exact', 'Prefix', 'ImplementationSpecific', undefined]

const wildcards: { path: string; literal?: string; gives?: string; remedy: RegExp; why: string }[] =
  [
    { path: '/*', literal: '/*', gives: '/', remedy: /^Write \/ with/, why: 'every path' },
    { path: '/foo/*', literal: '/foo/*', gives: '/foo', remedy: /^Write \/foo with/, why: 'below' },
    { path: '/a/b-c/*', literal: '/a/b-c/*', gives: '/a/b-c', remedy: /\/a\/b-c /, why: 'deeper' },
    { path: '/%61/*', literal: '/a/*', gives: '/a', remedy: /Prefix/, why: 'one spelling' },
    { path: '*', gives: '/', remedy: /^Write \/ with/, why: 'no path begins without a slash' },
    { path: '/foo*', literal: '/foo*', remedy: /^Write \/foo\.\* with/, why: 'half a segment' },
    {
      path: '/a/*/b',
      literal: '/a/*/b',
      remedy: /^Write \/a\/\.\*\/b\$ with/,
      why: 'in the middle',
    },
    { path: '/a.b/*.js', literal: '/a.b/*.js', remedy: /\/a\\\.b\/\.\*\\\.js\$/, why: 'an ending' },
    { path: '/*/*', literal: '/*/*', remedy: /^Write \/\.\*\/\.\* with/, why: 'two of them' },
    { path: '/foo/**', literal: '/foo/**', remedy: /use-regex/, why: 'nobody reads it as one' },
    { path: '//*', remedy: /./, why: 'an empty segment is no prefix' },
    { path: '/a//*', remedy: /./, why: 'an empty segment is no prefix' },
    { path: '/a?c/*', remedy: /./, why: '? is a wildcard, too' },
  ]

for (const { path, literal, gives, remedy, why } of wildcards) {
  t.test(`${path} is a wildcard where that is asked for: ${why}`, async (t) => {
    for (const type of types) {
      const said: Problem[] = []
      const plain = read(path, type, false, said)
      t.equal(plain?.path, literal, `${type}: literally`)
      t.equal(plain?.pathType, literal && (type === 'Exact' ? 'Exact' : 'Prefix'))
      t.match(said, [{ reason: 'invalid-path', field: /\.path$/, remedy }], `${type}`)
      t.equal(said.length, 1)
      if (literal !== undefined) t.match(said[0]?.message, /is taken literally/)

      const problems: Problem[] = []
      const rulePath = read(path, type, false, problems, true)
      t.equal(rulePath?.path, gives, `${type}: as a wildcard`)
      t.equal(rulePath?.pathType, gives && 'Prefix')
      t.equal(problems.length, gives === undefined ? 1 : 0)
    }
  })
}

t.test('what is no wildcard is the same with and without', async (t) => {
  for (const [path, type, regex] of [
    ['/a', 'Exact', false],
    ['/%2A', 'Prefix', false],
    ['/a/', 'Prefix', false],
    ['/foo/*', 'Prefix', true],
  ] as const) {
    const problems: Problem[] = []
    const [off, on] = [false, true].map((isOn) => read(path, type, regex, problems, isOn))
    t.strictSame(on, off, path)
    t.strictSame(problems, [])
  }
})

function read(
  path: unknown,
  type: unknown,
  useRegex: boolean,
  problems: Problem[],
  pathWildcards = false,
) {
  const report = reportTo(problems, { kind: 'Ingress', namespace: 'n', name: 'i' })
  const modes = { useRegex, pathWildcards }
  return parseRulePath(path, type, modes, 'spec.rules[0].http.paths[0]', report)
}
