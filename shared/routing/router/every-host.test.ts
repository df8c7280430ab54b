// Which rule serves where Skipper's words are: patterns of segments, weights, rules without a path, rules for every host?
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { everyHost, type PathType } from '../table.ts'
import type { Rule } from './host-rules.ts'
import { emptyRouter, type Router, selectRoute, updateRouter } from './router.ts'

interface Value {
  readonly name: string
  readonly holds: boolean
}

function routerOf(rules: readonly Rule<Value>[]): Router<Value> {
  const byHost = Map.groupBy(rules, ({ host }) => host)
  return updateRouter(emptyRouter<Value>(), byHost, (pattern) => {
    const regex = new RegExp(`^${pattern}`, 'i')
    return { matches: (path) => regex.test(path) }
  })
}

/** `h Exact /a 2`: a rule of the host h that weighs 2; without a number it has no weight. */
function rule(text: string): Rule<Value> {
  const [host = '', pathType = '', path = '', weight] = text.split(' ')
  return {
    host: host === '-' ? '' : host,
    pathType: pathType as PathType,
    path,
    value: { name: text, holds: true },
    // Nobody holds who is asked by `asked`.
    conditions: [{ kind: 'never' }],
    ...(weight === undefined ? {} : { weight: Number(weight) }),
  }
}

function asked(rules: readonly string[], host: string, path: string): readonly string[] {
  const names: string[] = []
  selectRoute(routerOf(rules.map(rule)), host, path, ({ name }) => {
    names.push(name)
    return false
  })
  return names
}

const orders = [
  {
    rules: ['h Pattern /x/*rest 0', 'h Pattern /x/:id 0', 'h Exact /x/lit 0'],
    path: '/x/lit',
    order: ['h Exact /x/lit 0', 'h Pattern /x/:id 0', 'h Pattern /x/*rest 0'],
    why: 'a text before one segment before the rest',
  },
  {
    rules: ['h Prefix /x/y 0', 'h Pattern /:a/y/z 0', 'h Any / 9', 'h Prefix / 0'],
    path: '/x/y/z',
    order: ['h Prefix /x/y 0', 'h Pattern /:a/y/z 0', 'h Prefix / 0', 'h Any / 9'],
    why: 'from the left, and what has no path at last, whatever it weighs',
  },
  {
    rules: ['h Pattern /:a 0', 'h Pattern /:b 2'],
    path: '/x',
    order: ['h Pattern /:b 2', 'h Pattern /:a 0'],
    why: 'two names for one segment are one place: the heavier first',
  },
  {
    rules: ['h Pattern /f/*r 0', 'h PatternPrefix /f/:a 0', 'h Pattern /f/:a 0'],
    path: '/f/',
    order: [],
    why: 'a slash at the end is no segment',
  },
  {
    rules: ['h PatternPrefix /f/:a 0', 'h PatternPrefix /f/*r 0', 'h Prefix /f/ 0'],
    path: '/f',
    order: ['h PatternPrefix /f/*r 0', 'h Prefix /f/ 0'],
    why: 'what is below takes the path itself, too',
  },
  {
    rules: ['h Prefix / 0', '* Exact /x 0', '* Prefix / 2', '* Prefix / 1', '- Prefix / 9'],
    path: '/x',
    order: ['* Exact /x 0', '* Prefix / 2', 'h Prefix / 0', '* Prefix / 1'],
    why: 'a host weighs as much as one predicate; rules for unnamed hosts are not asked',
  },
  {
    rules: ['h Prefix /', '* Exact /x 9', '* Any / 0'],
    path: '/x',
    order: ['h Prefix /', '* Exact /x 9', '* Any / 0'],
    why: 'rules without weight keep their host',
  },
  {
    rules: ['- Prefix /', '* Exact /x 0', '* Any / 0'],
    path: '/x',
    order: ['* Exact /x 0', '- Prefix /', '* Any / 0'],
    why: 'those for unnamed hosts are compared',
  },
  {
    rules: ['h Regex /it.* ', 'h Pattern /items/:a 0', 'h Any / 0'],
    path: '/items/1',
    order: ['h Pattern /items/:a 0', 'h Regex /it.* ', 'h Any / 0'],
    why: 'patterns of nginx join in by their length',
  },
  {
    rules: ['h Regex /foo/ba. ', 'h Prefix /foo ', '* Any / 0'],
    path: '/foo/bar',
    order: ['h Regex /foo/ba. ', 'h Prefix /foo ', '* Any / 0'],
    why: 'also where there are rules for every host',
  },
  {
    rules: ['h Regex /f.* ', 'h Prefix /foo/bar ', '* Any / 0'],
    path: '/foo/bar',
    order: ['h Prefix /foo/bar ', 'h Regex /f.* ', '* Any / 0'],
    why: 'a longer text goes before them there, too',
  },
  {
    rules: ['h Regex /foo/ba. ', 'h Prefix /foo ', 'h Pattern /x/:a 0'],
    path: '/foo/bar',
    order: ['h Regex /foo/ba. ', 'h Prefix /foo '],
    why: 'and so it is beside a pattern of segments',
  },
]

for (const { rules, path, order, why } of orders) {
  t.test(`${rules.join(', ')}: ${path} asks in order: ${why}`, async (t) => {
    t.same(asked(rules, 'h', path), order)
  })
}

// The oracle: all rules, one after the other.

function escapeText(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function fits({ pathType, path }: Rule<Value>, request: string): boolean {
  const isPattern = pathType.startsWith('Pattern')
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => {
      if (isPattern && part.startsWith(':')) return '/[^/]+'
      if (isPattern && part.startsWith('*')) return pathType === 'Pattern' ? '/.+' : '(?:/.*)?'
      return part === '' && pathType !== 'Exact' ? '' : `/${escapeText(part)}`
    })
  const below = pathType.endsWith('Prefix') ? '(?:/.*)?' : ''
  return pathType === 'Any' || new RegExp(`^${parts.join('')}${below}$`).test(request)
}

/** How exact each segment is: 0 a text, 1 any one, 2 the rest; 3 no path. */
function exactness({ pathType, path }: Rule<Value>): readonly number[] {
  if (pathType === 'Any') return [3]
  const isPattern = pathType.startsWith('Pattern')
  const texts = path.split('/').slice(1)
  const segments = pathType.endsWith('Prefix') && texts.at(-1) === '' ? texts.slice(0, -1) : texts
  const found = segments.map((text) => {
    if (!isPattern) return 0
    return text.startsWith('*') ? 2 : text.startsWith(':') ? 1 : 0
  })
  return pathType.endsWith('Prefix') && found.at(-1) !== 2 ? [...found, 2] : found
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? -1) - (b[at] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}

function scan(rules: readonly Rule<Value>[], host: string, path: string): string | undefined {
  const isNamed = rules.some((each) => each.host === host)
  const own = isNamed ? host : ''
  const weightOf = (each: Rule<Value>) =>
    (each.weight ?? 0) + (each.host === host && isNamed ? 1 : 0)
  const found = rules
    .filter((each) => [own, everyHost].includes(each.host) && fits(each, path))
    .filter(({ value }) => value.holds)
    .toSorted(
      (a, b) =>
        compareLists(exactness(a), exactness(b)) ||
        weightOf(b) - weightOf(a) ||
        Number(a.host === everyHost) - Number(b.host === everyHost),
    )
  return found[0]?.value.name
}

const literal = fc.constantFrom('a', 'b', 'ab')
const request = fc
  .tuple(fc.array(literal, { maxLength: 3 }), fc.boolean())
  .map(([parts, withSlash]) => `/${parts.join('/')}${withSlash && parts.length > 0 ? '/' : ''}`)
const plainPath = fc.array(literal, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`)
const patternPath = fc
  .tuple(
    fc.array(fc.oneof(literal, fc.constantFrom(':x', ':y')), { maxLength: 2 }),
    fc.constantFrom(':x', '*rest', '**'),
  )
  .map(([parts, last]) => `/${[...parts, last].join('/')}`)
const place = fc.oneof(
  fc.tuple(fc.constantFrom<PathType>('Exact', 'Prefix'), plainPath),
  fc.tuple(fc.constantFrom<PathType>('Pattern', 'PatternPrefix'), patternPath),
  fc.tuple(fc.constant<PathType>('Any'), fc.constant('/')),
)
const arbitraryRules = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom('h', 'h', '', everyHost), place, fc.nat(2), fc.boolean()), {
      maxLength: 12,
    }),
    fc.boolean(),
  )
  .map(([rows, withPatterns]) =>
    rows
      .filter(([, [pathType]]) => withPatterns || !pathType.startsWith('Pattern'))
      .map(
        ([host, [pathType, path], weight, holds], index): Rule<Value> => ({
          host,
          pathType,
          path,
          weight,
          // Whether it holds is the value's affair; that it may not is known by a condition.
          conditions: holds ? [] : [{ kind: 'never' }],
          value: { name: `${index}`, holds },
        }),
      ),
  )

t.test('finds what a scan of all rules finds', async (t) => {
  let found = 0
  assertProperty(
    t,
    fc.property(
      arbitraryRules,
      fc.array(fc.tuple(fc.constantFrom('h', 'h', 'x'), request), { minLength: 8 }),
      (rules, requests) => {
        const router = routerOf(rules)
        return requests.every(([host, path]) => {
          const value = selectRoute(router, host, path, ({ holds }) => holds)
          if (value !== undefined) found += 1
          return value?.name === scan(rules, host, path)
        })
      },
    ),
    { numRuns: 3000 },
  )
  t.ok(found > 5000, `routes were found: ${found}`)
})
