import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { isAmbiguous } from './ambiguity.ts'
import { parseRulePath } from './ingress/paths.ts'
import { normalisePath, readingsOf } from './path.ts'
import type { Rule } from './router/host-rules.ts'
import { emptyRouter, findRoute, type Router, updateRouter } from './router/router.ts'
import type { PathType } from './table.ts'

type Row = readonly [pathType: PathType, path: string]

const compileRegex = (pattern: string) => {
  const regex = new RegExp(`^${pattern}`, 'i')
  return { matches: (path: string) => regex.test(path) }
}
const never = () => false

/** Rules as an Ingress writes them; its value is the rule as it was written. */
function routerOf(rows: readonly Row[]): Router<string> {
  const rules = rows.flatMap(([type, written]): Rule<string>[] => {
    const isRegex = type === 'Regex'
    const rule = parseRulePath(
      written,
      isRegex ? 'Prefix' : type,
      { useRegex: isRegex },
      '',
      () => {},
    )
    return rule === undefined ? [] : [{ ...rule, host: '', value: `${type} ${written}` }]
  })
  return updateRouter(emptyRouter<string>(), new Map([['', rules]]), compileRegex)
}

/** What becomes of a request: the rule that handles it, or why none does. */
function handle(router: Router<string>, path: string, fallback?: string): string {
  const normal = normalisePath(path)
  if (normal === undefined) return 'malformed'
  const readings = readingsOf(normal)
  const find = (reading: string) => findRoute(router, '', reading) ?? fallback
  const found = find(readings?.matched ?? normal)
  if (found === undefined) return 'none'
  if (readings === undefined) return found
  return isAmbiguous(readings, found, find, never) ? 'ambiguous' : found
}

const admin: readonly Row[] = [
  ['Prefix', '/admin'],
  ['Prefix', '/'],
]
const suites: readonly {
  readonly rules: readonly Row[]
  readonly fallback?: string
  readonly rows: readonly (readonly [path: string, is: string, why: string])[]
}[] = [
  {
    rules: admin,
    rows: [
      ['/admin/x', 'Prefix /admin', 'as it is'],
      ['/%61dmin/x', 'Prefix /admin', 'an escape of a letter'],
      ['/%41dmin/x', 'Prefix /', 'another letter'],
      ['//admin/x', 'ambiguous', 'nginx and most frameworks merge slashes'],
      ['/admin//x', 'Prefix /admin', 'below the rule all readings are alike'],
      ['/x//admin', 'Prefix /', 'no reading of it is below /admin'],
      ['/admin%2Fx', 'ambiguous', 'a slash for whoever decodes first'],
      ['/admin%2fx', 'ambiguous', 'in lower case, too'],
      ['/admin%5Cx', 'ambiguous', 'a backslash is a slash for some'],
      ['/admin/a%2Fb', 'Prefix /admin', 'below the rule it is a matter of the application'],
      ['/%2Fadmin', 'ambiguous', 'merged once decoded'],
      ['/admin;x=1/y', 'ambiguous', 'Tomcat, Jetty and Spring cut parameters'],
      ['/;/admin', 'ambiguous', 'and drop the segment that is left empty'],
      ['/admin%3Fx', 'ambiguous', 'a query once decoded'],
      ['/admin%00', 'ambiguous', 'the end of a C string'],
      ['/%2561dmin', 'ambiguous', 'decoded twice'],
      ['/adm%C1%A9n', 'ambiguous', 'overlong UTF-8'],
      ['/shop;jsessionid=1', 'Prefix /', 'parameters that lead nowhere else pass'],
      ['/proxy/http://x.test/a', 'Prefix /', 'so do empty segments'],
      ['/api/projects/group%2Fname', 'Prefix /', 'and encoded slashes'],
    ],
  },
  {
    rules: [
      ['Prefix', '/café'],
      ['Exact', '/a%7eb'],
      ['Prefix', '/%40team'],
      ['Prefix', '/a:b'],
      ['Prefix', '/x%20y'],
    ],
    rows: [
      ['/caf%C3%A9/x', 'Prefix /café', 'as browsers send it'],
      ['/caf%c3%a9', 'Prefix /café', 'in lower case'],
      ['/caf\xc3\xa9', 'Prefix /café', 'raw'],
      ['/caf\xe9', 'none', 'another character set is another path'],
      ['/a~b', 'Exact /a%7eb', 'the rule has the one spelling, too'],
      ['/a%7Eb', 'Exact /a%7eb', 'whatever the request'],
      ['/@team/x', 'Prefix /%40team', 'a path may hold @ either way'],
      ['/%40team/x', 'Prefix /%40team', 'so both mean the rule'],
      ['/a%3ab', 'Prefix /a:b', 'and a colon'],
      ['/x%20y/z', 'Prefix /x%20y', 'a space is always escaped'],
      ['/x+y', 'none', 'a plus is no space in a path'],
    ],
  },
  {
    rules: [['Prefix', '/a']],
    rows: [
      ['/a%2Fb', 'none', 'what no rule handles is walked past by nobody: 404 as ever'],
      ['/a//b', 'Prefix /a', 'a reading that no rule handles walks past none'],
    ],
  },
  {
    rules: [['Exact', '/a']],
    fallback: 'fallback',
    rows: [
      ['/x//y', 'fallback', 'all readings lead to the fallback'],
      ['//a', 'ambiguous', 'the fallback does not handle what a rule may be meant for'],
      ['/a/', 'fallback', 'Exact is literal, which is the word of the Ingress specification'],
    ],
  },
  {
    rules: [
      ['Regex', '/api(/|$)(.*)'],
      ['Regex', '/(menü|karte)+/[0-9]+'],
      ['Regex', '/v%31/%7Euser%2B?$'],
      ['Prefix', '/'],
    ],
    rows: [
      ['/api/x', 'Regex /api(/|$)(.*)', 'a pattern'],
      ['/%61pi/x', 'Regex /api(/|$)(.*)', 'sees the normal form'],
      ['//api/x', 'ambiguous', 'and the lenient reading'],
      ['/api//x', 'Regex /api(/|$)(.*)', 'both fit'],
      ['/men%C3%BC/1', 'Regex /(menü|karte)+/[0-9]+', 'letters in a pattern are their escapes'],
      ['/menumen%C3%BC/1', 'Prefix /', 'and nothing else'],
      ['/v1/~user', 'Regex /v%31/%7Euser%2B?$', 'escapes in a pattern have the normal form'],
      ['/v1/~user+', 'Regex /v%31/%7Euser%2B?$', 'and are no syntax'],
      ['/v1/~userr', 'Prefix /', 'and are no syntax'],
    ],
  },
]

for (const { rules, fallback, rows } of suites) {
  const router = routerOf(rules)
  for (const [path, is, why] of rows) {
    t.test(`${path} among ${rules.map(([, rule]) => rule).join(' ')}: ${is}: ${why}`, async (t) => {
      t.equal(handle(router, path, fallback), is)
    })
  }
}

t.test('routes that serve alike need not be told apart', async (t) => {
  const router = routerOf(admin)
  const readings = readingsOf('//admin')
  if (readings === undefined) throw new Error('it is read in several ways')
  const find = (reading: string) => findRoute(router, '', reading)
  t.ok(isAmbiguous(readings, 'Prefix /', find, never))
  t.notOk(isAmbiguous(readings, 'Prefix /', find, () => true))
})

// The oracle: every mixture of what applications do, each a step that some of them take and some do not.

type Step = (path: string) => string
const decode: Step = (path) =>
  path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
const cut: Step = (path) => path.replace(/;[^/]*/g, '')
const steps: readonly Step[] = [
  cut,
  decode,
  decode,
  (path) => path.replace(/[\0?#][\s\S]*/, ''),
  (path) => path.replaceAll('\\', '/'),
  cut,
  (path) => path.replace(/\/+/g, '/'),
]

function mixtures(path: string): string[] {
  let all = [path]
  for (const step of steps) all = [...new Set([...all, ...all.map(step)])]
  return all
}

/** What an application has in hand, in the spelling of a rule: raw what a path may hold raw, escaped what it may not. */
function spelled(path: string): string {
  const text = path
    .replace(/%(?![0-9A-F]{2})/g, '%25')
    .replace(/%([0-9A-F]{2})/g, (code) =>
      /[!$&'()*+,;=:@]/.test(decode(code)) ? decode(code) : code,
    )
  return [...text]
    .map((char) =>
      /[A-Za-z0-9\-._~!$&'()*+,;=:@/%]/.test(char) ? char : hex(char.charCodeAt(0), true),
    )
    .join('')
}

const segment = fc.constantFrom('a', 'b', 'ab', 'a:b', 'a b', 'é', '~', 'a+b', 'x%y')
const segments = fc.array(segment, { maxLength: 3 })
const ruleOf = (names: readonly string[]) =>
  `/${names.map((name) => name.replaceAll('%', '%25').replaceAll(' ', '%20')).join('/')}`
const rules = fc.uniqueArray(
  fc.tuple(fc.constantFrom<PathType>('Exact', 'Prefix', 'Prefix'), segments.map(ruleOf)),
  { maxLength: 6, selector: (row) => row.join(' ') },
)

function hex(byte: number, isUpper: boolean): string {
  const text = byte.toString(16).padStart(2, '0')
  return `%${isUpper ? text.toUpperCase() : text}`
}

/** One byte as a client may write it: as it is, escaped in either case, escaped twice, or with something odd behind. */
const spellings = fc.constantFrom<(byte: number) => string>(
  (byte) => String.fromCharCode(byte),
  (byte) => String.fromCharCode(byte),
  (byte) => hex(byte, true),
  (byte) => hex(byte, false),
  (byte) => hex(byte, true).replace('%', '%25'),
  (byte) => `${String.fromCharCode(byte)};p`,
  (byte) => `${hex(byte, true)}%3bq`,
  (byte) => `${String.fromCharCode(byte)}%00z`,
)
const separators = fc.constantFrom(
  '/',
  '/',
  '/',
  '//',
  '%2F',
  '/%2f',
  '%5c',
  '/;/',
  '%252F',
  '/./',
  '%3F/',
)

/** A path with the names, each byte and each separator in any spelling. */
const anySpelling = segments.chain((names) =>
  fc
    .tuple(fc.infiniteStream(spellings), fc.infiniteStream(separators), fc.boolean())
    .map(([bytes, slashes, isClosed]) => {
      const write = (name: string) =>
        [...Buffer.from(name)].map((byte) => bytes.next().value(byte)).join('')
      const parts = names.map(
        (name, index) => (index === 0 ? '/' : slashes.next().value) + write(name),
      )
      return `${parts.join('') || '/'}${isClosed ? slashes.next().value : ''}`
    }),
)

t.test(
  'no reading of a request belongs to another rule than the one that handles it',
  async (t) => {
    let handled = 0
    assertProperty(
      t,
      fc.property(rules, anySpelling, (rows, path) => {
        const router = routerOf(rows)
        const rule = handle(router, path)
        if (['malformed', 'none', 'ambiguous'].includes(rule)) return true
        handled += 1
        return mixtures(normalisePath(path) ?? '').every((reading) => {
          const other = findRoute(router, '', spelled(reading))
          return other === undefined || other === rule
        })
      }),
      { numRuns: 10_000 },
    )
    t.ok(handled > 1000, String(handled))
  },
)

/** A spelling that RFC 3986 §6.2.2 calls equivalent: escapes of anything but a slash, in either case. */
const equivalent = segments.chain((names) =>
  fc.infiniteStream(fc.constantFrom(0, 1, 2)).map((choices) => {
    const write = (byte: number) => {
      const { value = 0 } = choices.next()
      const isRaw = value === 0 && byte !== 0x25 && byte !== 0x20
      return isRaw ? String.fromCharCode(byte) : hex(byte, value === 1)
    }
    const written = names.map((name) => [...Buffer.from(name)].map(write).join(''))
    return { plain: ruleOf(names), path: `/${written.join('/')}` }
  }),
)

t.test('equivalent spellings are handled by one rule and never refused', async (t) => {
  assertProperty(
    t,
    fc.property(rules, equivalent, (rows, { plain, path }) => {
      const router = routerOf(rows)
      const canonical = Buffer.from(plain).toString('latin1')
      return (
        handle(router, path) === handle(router, canonical) && handle(router, path) !== 'ambiguous'
      )
    }),
    { numRuns: 10_000 },
  )
  t.pass()
})
