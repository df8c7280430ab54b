import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import type { PathType } from '../table.ts'
import { buildTree } from './build-tree.ts'
import type { PathPattern, Rule } from './host-rules.ts'
import { emptyRouter, findRoute, type Router, updateRouter } from './router.ts'
import { checkTree } from './testing/check-tree.ts'

type Row = readonly [host: string, pathType: PathType, path: string]

/** Stands for the linear-time engine: the patterns of these tests are simple. */
function compileRegex(pattern: string): PathPattern {
  const regex = new RegExp(`^${pattern}`, 'i')
  return { matches: (path) => regex.test(path) }
}

function toRule([host, pathType, path]: Row): Rule<string> {
  return { host, pathType, path, value: `${host} ${pathType} ${path}` }
}

function byHost(rows: readonly Row[]): Map<string, Rule<string>[]> {
  return Map.groupBy(rows.map(toRule), ({ host }) => host)
}

function routerOf(rows: readonly Row[]): Router<string> {
  return updateRouter(emptyRouter(), byHost(rows), compileRegex)
}

interface Suite {
  readonly name: string
  readonly rules: readonly Row[]
  readonly requests: readonly (readonly [url: string, found: string | undefined, why: string])[]
}

const suites: readonly Suite[] = [
  {
    name: 'prefixes are whole segments',
    rules: [
      ['h', 'Prefix', '/'],
      ['h', 'Prefix', '/api/'],
      ['h', 'Prefix', '/api/v1'],
      ['h', 'Exact', '/api/health'],
      ['h', 'Exact', '/foo/'],
    ],
    requests: [
      ['h/', 'h Prefix /', 'the root prefix covers everything'],
      ['h/api', 'h Prefix /api/', 'a prefix covers itself without its slash'],
      ['h/api/', 'h Prefix /api/', 'and with it'],
      ['h/api//x', 'h Prefix /api/', 'and an empty segment below'],
      ['h/apiary', 'h Prefix /', 'a prefix ends at a segment border'],
      ['h/API', 'h Prefix /', 'case counts'],
      ['h/api/v1/users', 'h Prefix /api/v1', 'the longest wins'],
      ['h/api/v10', 'h Prefix /api/', 'a longer segment is another one'],
      ['h/api/v', 'h Prefix /api/', 'so is a shorter one'],
      ['h/api/health', 'h Exact /api/health', 'exact beats prefix'],
      ['h/api/health/', 'h Prefix /api/', 'exact is literal'],
      ['h/foo', 'h Prefix /', 'an exact slash is needed'],
      ['h/foo/', 'h Exact /foo/', 'an exact slash fits'],
      ['h/a%2Fb', 'h Prefix /', 'nothing is decoded'],
    ],
  },
  {
    name: 'exact and prefix of the same path',
    rules: [
      ['h', 'Exact', '/foo'],
      ['h', 'Prefix', '/foo'],
      ['h', 'Exact', '/'],
    ],
    requests: [
      ['h/foo', 'h Exact /foo', 'exact beats prefix (ingress-nginx-e2e-003)'],
      ['h/foo/', 'h Prefix /foo', 'a trailing slash is for the prefix'],
      ['h/foo/bar', 'h Prefix /foo', 'and what is below'],
      ['h/foobar', undefined, 'no segment border'],
      ['h/', 'h Exact /', 'the root alone'],
      ['h/x', undefined, 'an exact root covers nothing else'],
    ],
  },
  {
    name: 'hosts',
    rules: [
      ['a.foo.com', 'Prefix', '/x'],
      ['*.foo.com', 'Prefix', '/'],
      ['', 'Prefix', '/any'],
    ],
    requests: [
      ['a.foo.com/x', 'a.foo.com Prefix /x', 'exact'],
      ['a.foo.com/y', undefined, 'a known host does not fall through (derived-023)'],
      ['b.foo.com/y', '*.foo.com Prefix /', 'one label'],
      ['baz.bar.foo.com/any', ' Prefix /any', 'two labels are not covered by the wildcard'],
      ['foo.com/', undefined, 'nor is none'],
      ['.foo.com/', undefined, 'an empty label is none'],
      ['*.foo.com/', '*.foo.com Prefix /', 'a star is a label like others'],
      ['*/', undefined, 'no host of that name'],
      ['/any', ' Prefix /any', 'no host at all'],
      ['other/any/x', ' Prefix /any', 'rules without host serve the rest'],
    ],
  },
  {
    name: 'patterns',
    rules: [
      ['r', 'Regex', '/items/[0-9]+'],
      ['r', 'Regex', '/it.*'],
      ['r', 'Prefix', '/items/special'],
      ['r', 'Prefix', '/items'],
      ['r', 'Exact', '/items/7'],
    ],
    requests: [
      ['r/items/7', 'r Exact /items/7', 'exact first'],
      ['r/items/8', 'r Regex /items/[0-9]+', 'the longer pattern'],
      ['r/ITEMS/8', 'r Regex /items/[0-9]+', 'patterns ignore case'],
      ['r/items/special', 'r Prefix /items/special', 'a longer prefix beats a pattern'],
      ['r/items/x', 'r Prefix /items', 'equally long: descending order, as ingress-nginx sorts'],
      ['r/itch', 'r Regex /it.*', 'a pattern where no literal fits'],
      ['r/else', undefined, 'nothing fits'],
    ],
  },
  {
    name: 'many children',
    rules: [...'abcdefghijklmnopqrstuvwxyz\u00e9'].map((c) => ['m', 'Prefix', `/${c}`] as const),
    requests: [
      ['m/a', 'm Prefix /a', 'the first'],
      ['m/m/x', 'm Prefix /m', 'one in the middle'],
      ['m/\u00e9', 'm Prefix /\u00e9', 'the last'],
      ['m/A', undefined, 'below the first'],
      ['m/\u00ff', undefined, 'above the last'],
      ['m/n|', undefined, 'beside one'],
    ],
  },
]

for (const { name, rules, requests } of suites) {
  const router = routerOf(rules)
  for (const [url, found, why] of requests) {
    t.test(`${name}: ${url} finds ${found}: ${why}`, async (t) => {
      const slash = url.indexOf('/')
      t.equal(findRoute(router, url.slice(0, slash), url.slice(slash)), found)
    })
  }
}

t.test('an update replaces the hosts it names and shares the rest', async (t) => {
  const before = routerOf([
    ['a', 'Prefix', '/'],
    ['b', 'Prefix', '/'],
    ['*.c', 'Prefix', '/'],
    ['', 'Prefix', '/'],
  ])
  const changes = new Map([
    ...byHost([['a', 'Prefix', '/new']]),
    ['', []],
    ['*.c', []],
    ['gone', []],
  ])
  const after = updateRouter(before, changes)
  t.equal(findRoute(before, 'a', '/old'), 'a Prefix /', 'the old router is as it was')
  t.equal(findRoute(after, 'a', '/old'), undefined)
  t.equal(findRoute(after, 'a', '/new'), 'a Prefix /new')
  t.equal(findRoute(after, 'x.c', '/'), undefined)
  t.equal(findRoute(after, 'x', '/'), undefined)
  t.equal(after.hosts.size, 2)
  t.equal(after.wildcards.size, 0)
  const shard = before.hosts.shards.findIndex((hosts) => hosts.has('b'))
  t.ok(shard !== -1)
  t.equal(after.hosts.shards[shard]?.get('b'), before.hosts.shards[shard]?.get('b'), 'same tree')
})

t.test('a Regex rule without an engine is a fault of the caller', async (t) => {
  t.throws(() => updateRouter(emptyRouter(), byHost([['r', 'Regex', '/x']])), /compileRegex/)
})

t.test('a host with more rules than 16 bits count still finds each', async (t) => {
  const router = routerOf(
    Array.from({ length: 70_000 }, (_, i) => ['h', 'Exact', `/${i}/x`] as const),
  )
  for (const i of [0, 1, 65_535, 65_536, 69_999]) {
    t.equal(findRoute(router, 'h', `/${i}/x`), `h Exact /${i}/x`)
  }
})

// The oracle: the words of the Ingress specification, one rule after the other.

function segments(path: string): string[] {
  return (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
}

function fits({ pathType, path }: Rule<string>, request: string): boolean {
  if (pathType === 'Exact') return path === request
  if (pathType === 'Regex') return compileRegex(path).matches(request)
  const wanted = segments(path)
  const given = request.split('/')
  return wanted.every((segment, i) => segment === given[i])
}

/** Rules of the host, else of its wildcard, else of none; of those that fit Exact first, then the longest path. */
function scan(rules: readonly Rule<string>[], host: string, path: string): string | undefined {
  const wildcard = /^[^.]+\./.test(host) ? host.replace(/^[^.]+/, '*') : undefined
  const name = [host, wildcard, ''].find((name) => rules.some((rule) => rule.host === name))
  const found = rules.filter((rule) => rule.host === name && fits(rule, path))
  const exact = found.find(({ pathType }) => pathType === 'Exact')
  if (exact !== undefined) return exact.value
  const order = ({ path, pathType }: Rule<string>) => `${path} ${pathType === 'Prefix' ? 1 : 0}`
  found.sort((a, b) => b.path.length - a.path.length || (order(a) < order(b) ? 1 : -1))
  return found[0]?.value
}

const text = fc.constantFrom('/', '/', '/', 'a', 'b', 'ab', 'abc', 'A', '%2F', '-', '\u00e9')
const path = fc.array(text, { maxLength: 10 }).map((parts) => `/${parts.join('')}`)
const host = fc.constantFrom('', 'a', 'a.b', '*.b', 'c.a.b', '*.a.b', 'b')
const pathType = fc.constantFrom<PathType>('Exact', 'Prefix', 'Prefix', 'Regex')
const rows = fc.uniqueArray(fc.tuple(host, pathType, path), {
  maxLength: 30,
  selector: (row) => row.join(' '),
})

t.test('finds what a linear scan by the words of the specification finds', async (t) => {
  assertProperty(
    t,
    fc.property(rows, fc.array(fc.tuple(host, path), { minLength: 20 }), (rows, requests) => {
      const rules = rows.map(toRule)
      const router = routerOf(rows)
      const all = [...requests, ...rows.map(([host, , path]) => [host, path] as const)]
      return all.every(([host, path]) => findRoute(router, host, path) === scan(rules, host, path))
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('every tree is well formed and holds every rule at its path', async (t) => {
  const literals = rows.map((rows) =>
    rows.flatMap(([, pathType, path]) =>
      pathType === 'Exact' || pathType === 'Prefix' ? [{ pathType, path }] : [],
    ),
  )
  assertProperty(
    t,
    fc.property(literals, (rules) => {
      const { problems, rules: found } = checkTree(buildTree(rules))
      t.same(problems, [])
      for (const [number, path] of found) {
        const rule = rules[number - 1]
        t.ok(rule?.path === path || (rule?.pathType === 'Prefix' && rule.path === `${path}/`))
      }
      const places = rules.map(({ pathType, path }) =>
        pathType === 'Prefix' ? `Prefix ${segments(path).join('/')}` : `Exact ${path}`,
      )
      t.equal(found.size, new Set(places).size)
    }),
    { numRuns: 300 },
  )
})

const sound = buildTree([
  { pathType: 'Prefix', path: '/a' },
  { pathType: 'Prefix', path: '/b' },
])
// The root's label length, rules and children are codes 0 to 5, its first code 6, its child's number 7 and 8, the child 9.
const breaks = [
  { at: 0, code: 1, why: 'the root has a label' },
  { at: 5, code: 0, why: 'the child is lost' },
  { at: 6, code: 0x61, why: 'the first code is not that of the child' },
  { at: 8, code: 10, why: 'the child does not follow' },
  { at: 14, code: 1, why: 'the child has one child only' },
  { at: 16, code: 0x62, why: 'its children are not in order' },
  { at: sound.length - 7 + 2, code: 1, why: 'a rule is there twice' },
]

for (const { at, code, why } of breaks) {
  t.test(`the checker notices when ${why}`, async (t) => {
    t.same(checkTree(sound).problems, [])
    const broken = sound.slice(0, at) + String.fromCharCode(code) + sound.slice(at + 1)
    t.not(checkTree(broken).problems.length, 0)
  })
}
