// Which of several rules that fit is asked first, and who is asked when its conditions fail?
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { allHold, compileConditions } from '../conditions/compile.ts'
import type { Condition } from '../conditions/condition.ts'
import { compareSpecificity } from '../conditions/specificity.ts'
import {
  arbitraryCondition,
  arbitraryRequest,
  holdsByTheBook,
} from '../conditions/testing/oracle.ts'
import type { PathType } from '../table.ts'
import { requestView, type TestRequest } from '../testing/request-view.ts'
import type { PathPattern, Rule } from './host-rules.ts'
import { emptyRouter, findRoute, type Router, selectRoute, updateRouter } from './router.ts'

interface Value {
  readonly name: string
  readonly conditions: readonly Condition[]
}

/** Stands for the linear-time engine: the patterns of these tests are simple. */
function compileRegex(pattern: string): PathPattern {
  const regex = new RegExp(`^${pattern}`, 'i')
  return { matches: (path) => regex.test(path) }
}

function routerOf(rules: readonly Rule<Value>[]): Router<Value> {
  const byHost = Map.groupBy(rules, ({ host }) => host)
  return updateRouter(emptyRouter<Value>(), byHost, compileRegex)
}

/** Conditions by a letter each: a header of that name must be there. */
function needs(letters: string): readonly Condition[] {
  return [...letters].map((name) => ({ kind: 'header', name, text: { kind: 'present' } }))
}

/** `Prefix /a xy`: a rule of the host h that needs the headers x and y; its name is its text. */
function rule(text: string): Rule<Value> {
  const [pathType = '', path = '', letters = ''] = text.split(' ')
  const conditions = needs(letters)
  return {
    host: 'h',
    pathType: pathType as PathType,
    path,
    conditions,
    value: { name: text, conditions },
  }
}

/** Everybody who is asked for a path, in this order. */
function askedFor(router: Router<Value>, path: string): readonly string[] {
  const asked: string[] = []
  selectRoute(router, 'h', path, ({ name }) => {
    asked.push(name)
    return false
  })
  return asked
}

const orders = [
  {
    rules: ['Prefix /', 'Prefix /a', 'Prefix /a x', 'Exact /a', 'Exact /a xy', 'Exact /a x'],
    path: '/a',
    asked: ['Exact /a xy', 'Exact /a x', 'Exact /a', 'Prefix /a x', 'Prefix /a', 'Prefix /'],
    why: 'exact first, more conditions first, then shorter paths',
  },
  {
    rules: ['Prefix / x', 'Prefix /a/b/c x', 'Prefix /a', 'Prefix /ab', 'Prefix /a/b/c/d x'],
    path: '/a/b/c/x',
    asked: ['Prefix /a/b/c x', 'Prefix /a', 'Prefix / x'],
    why: 'only whole segments are shorter paths',
  },
  {
    rules: ['Prefix /a x', 'Prefix /a y', 'Prefix /a z'],
    path: '/a/1',
    asked: ['Prefix /a x', 'Prefix /a y', 'Prefix /a z'],
    why: 'what is equally specific keeps its order',
  },
  {
    rules: ['Prefix /a/ x', 'Prefix /a', 'Exact /a/ x', 'Exact /a x'],
    path: '/a/',
    asked: ['Exact /a/ x', 'Prefix /a/ x', 'Prefix /a'],
    why: 'a slash at the end is nothing to a prefix and something to an exact path',
  },
  {
    rules: ['Exact /a x', 'Prefix /b'],
    path: '/a',
    asked: ['Exact /a x'],
    why: 'nobody else fits',
  },
  {
    rules: ['Regex /it.* x', 'Regex /it.*', 'Prefix /items x', 'Prefix /', 'Exact /items/1 x'],
    path: '/items/1',
    asked: ['Exact /items/1 x', 'Prefix /items x', 'Regex /it.* x', 'Regex /it.*', 'Prefix /'],
    why: 'patterns and prefixes share one order by length',
  },
  {
    rules: ['Regex /items/[0-9]+ x', 'Regex /other/.*', 'Prefix /items'],
    path: '/items/x',
    asked: ['Prefix /items'],
    why: 'a pattern that does not match is passed over',
  },
]

for (const { rules, path, asked, why } of orders) {
  t.test(`${rules.join(', ')}: ${path} asks in order: ${why}`, async (t) => {
    const router = routerOf(rules.map(rule))
    t.same(askedFor(router, path), asked)
    t.equal(findRoute(router, 'h', path)?.name, asked[0])
  })
}

t.test('hosts whose rules all fail do not fall through to others', async (t) => {
  const rules = ['', '*.b', 'a.b'].map((host) => ({ ...rule('Prefix / x'), host }))
  const asked: Value[] = []
  const found = selectRoute(routerOf(rules), 'a.b', '/', (value) => {
    asked.push(value)
    return false
  })
  t.equal(found, undefined)
  t.equal(asked.length, 1)
})

t.test('a host without conditions asks nobody', async (t) => {
  const router = routerOf([rule('Prefix /'), rule('Exact /a')])
  const found = selectRoute(router, 'h', '/a', () => t.fail('asked'))
  t.equal(found?.name, 'Exact /a')
})

t.test('a pattern is matched once for all its rules', async (t) => {
  let matched = 0
  const rules = ['Regex /a x', 'Regex /a y', 'Regex /a z', 'Prefix /'].map(rule)
  const router = updateRouter(emptyRouter<Value>(), new Map([['h', rules]]), () => ({
    matches: () => {
      matched += 1
      return true
    },
  }))
  t.equal(askedFor(router, '/a').length, 4)
  t.equal(matched, 1)
})

// The oracle: all rules of the host, one after the other.

function segments(path: string): string[] {
  return (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
}

function fits({ pathType, path }: Rule<Value>, request: string): boolean {
  if (pathType === 'Exact') return path === request
  if (pathType === 'Regex') return compileRegex(path).matches(request)
  const given = request.split('/')
  return segments(path).every((segment, i) => segment === given[i])
}

/** Exact first, then the longer path, then the later one in the alphabet, then prefixes, then the more specific. */
function compareRules(a: Rule<Value>, b: Rule<Value>): number {
  const exact = Number(b.pathType === 'Exact') - Number(a.pathType === 'Exact')
  const length = b.path.length - a.path.length
  const alphabet = a.path < b.path ? 1 : a.path > b.path ? -1 : 0
  const prefix = Number(b.pathType === 'Prefix') - Number(a.pathType === 'Prefix')
  return exact || length || alphabet || prefix || compareSpecificity(a, b)
}

function scan(
  rules: readonly Rule<Value>[],
  host: string,
  path: string,
  request: TestRequest,
): string | undefined {
  const wildcard = host.replace(/^[^.]+\./, '*.')
  const name = [host, wildcard, ''].find((name) => rules.some((rule) => rule.host === name))
  return rules
    .filter((rule) => rule.host === name && fits(rule, path))
    .filter(({ value }) => value.conditions.every((one) => holdsByTheBook(one, request, now)))
    .toSorted(compareRules)[0]?.value.name
}

const now = 50
const path = fc
  .array(fc.constantFrom('/', '/a', '/a', '/b', 'a'), { maxLength: 3 })
  .map((parts) => parts.join('').replace(/^(?!\/)/, '/'))
const pattern = fc.constantFrom('/', '/a', '/a/.*', '/[ab]', '/[ab]+/b$', '/.*b', '/a/b/')
const conditions = fc.oneof(
  fc.constant([]),
  fc.array(arbitraryCondition, { minLength: 1, maxLength: 2 }),
)
const arbitraryRule = fc
  .tuple(
    fc.constantFrom('h.a', 'h.a', 'h.a', '*.a', ''),
    fc.oneof(
      fc.tuple(fc.constantFrom<PathType>('Exact', 'Prefix', 'Prefix'), path),
      fc.tuple(fc.constant<PathType>('Regex'), pattern),
    ),
    conditions,
  )
  .map(([host, [pathType, path], conditions]) => ({ host, pathType, path, conditions }))
const arbitraryRules = fc
  .tuple(fc.array(arbitraryRule, { maxLength: 30, size: 'max' }), fc.boolean())
  .map(([rules, withPatterns]) =>
    rules
      .filter(({ pathType }) => withPatterns || pathType !== 'Regex')
      .map(
        (rule, index): Rule<Value> => ({
          ...rule,
          value: { name: `${index}`, conditions: rule.conditions },
        }),
      ),
  )

t.test('finds what a scan of all rules finds', async (t) => {
  const seen = { none: 0, later: 0 }
  assertProperty(
    t,
    fc.property(
      arbitraryRules,
      fc.array(fc.tuple(fc.constantFrom('h.a', 'h.a', 'x.a', 'x'), path, arbitraryRequest), {
        minLength: 10,
      }),
      (rules, requests) => {
        const router = routerOf(rules)
        const questions = new Map(
          rules.map(({ value }) => [
            value,
            compileConditions(value.conditions, { wallNow: () => now }),
          ]),
        )
        return requests.every(([host, path, request]) => {
          const view = requestView(request)
          const found = selectRoute(router, host, path, (value) =>
            allHold(questions.get(value), view),
          )?.name
          if (found === undefined) seen.none += 1
          else if (found !== findRoute(router, host, path)?.name) seen.later += 1
          return found === scan(rules, host, path, request)
        })
      },
    ),
    { numRuns: 2000 },
  )
  t.ok(seen.none > 1000 && seen.later > 1000, `both ends were seen: ${JSON.stringify(seen)}`)
})
