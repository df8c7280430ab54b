import t from 'tap'
import type { Ingress, IngressBackend, IngressPath } from '../kube/objects.ts'
import type { Condition } from './conditions/condition.ts'
import { plainTerms } from './ingress/annotations/draft.ts'
import { Settler } from './settle.ts'
import { getEntry } from './sharded-map.ts'
import type { Claim } from './source.ts'
import { serviceOf } from './table.ts'
import { backendOf, emptyCluster, plainOptions, snapshotOf } from './testing/cluster.ts'
import { routeOf } from './testing/route.ts'
import { routesIn } from './testing/table.ts'
import { createTranslator, type TranslateOptions, translate } from './translate.ts'
import { refOf } from './upstreams/backend-ref.ts'

const make = (
  name: string,
  paths: readonly IngressPath[],
  defaultBackend?: IngressBackend,
  creationTimestamp?: string,
): Ingress => ({
  metadata: { name, namespace: 'n', ...(creationTimestamp ? { creationTimestamp } : {}) },
  spec: {
    ingressClassName: 'weir',
    rules: [{ host: 'a.test', http: { paths } }],
    ...(defaultBackend ? { defaultBackend } : {}),
  },
})
const at = (path: string, service: string, pathType = 'Prefix'): IngressPath => ({
  path,
  pathType,
  backend: backendOf(service),
})

function settled(ingresses: readonly Ingress[], options: TranslateOptions = plainOptions) {
  const { table, problems } = translate(snapshotOf({ ...emptyCluster, ingresses }), options)
  return {
    routes: routesIn(table).map(
      (route) => `${route.match.pathType} ${route.match.path} ${serviceOf(route)}`,
    ),
    conflicts: problems.filter(({ reason }) => reason === 'conflict'),
  }
}

t.test('the oldest wins, the loser is told who won, the rest of it is served', async (t) => {
  const { routes, conflicts } = settled([
    make('new', [at('/', 'x'), at('/more', 'x')], undefined, '2025-01-01T00:00:00Z'),
    make('old', [at('/', 'y')], undefined, '2024-01-01T00:00:00Z'),
  ])
  t.same(routes.sort(), ['Prefix / y', 'Prefix /more x'])
  t.match(conflicts, [
    {
      kind: 'Ingress',
      namespace: 'n',
      name: 'new',
      field: 'spec.rules[0].http.paths[0]',
      message: /Prefix \/ of host a\.test .* Ingress n\/old, which is older/,
    },
  ])
  t.equal(conflicts.length, 1)
})

t.test('timestamps are compared as times, and one that is no time counts as none', async (t) => {
  const earlier = make('z', [at('/', 'z')], undefined, '2024-01-01T00:30:00+02:00')
  const later = make('a', [at('/', 'a')], undefined, '2023-12-31T23:00:00Z')
  t.same(settled([later, earlier]).routes, ['Prefix / z'])
  const odd = make('b', [at('/', 'b')], undefined, 'yesterday')
  t.same(settled([odd, later]).routes, ['Prefix / a'])
})

t.test('three claims: both losers are told', async (t) => {
  const { routes, conflicts } = settled(['c', 'b', 'a'].map((name) => make(name, [at('/', name)])))
  t.same(routes, ['Prefix / a'])
  t.same(conflicts.map(({ name }) => name).sort(), ['b', 'c'])
  t.ok(conflicts.every(({ message }) => message.includes('Ingress n/a')))
})

t.test('Prefix /x and /x/ are the same, Exact ones are not', async (t) => {
  const { routes, conflicts } = settled([
    make('a', [at('/x', 'a'), at('/x/', 'b'), at('/y', 'a', 'Exact'), at('/y/', 'b', 'Exact')]),
  ])
  t.same(routes, ['Prefix /x a', 'Exact /y a', 'Exact /y/ b'])
  t.equal(conflicts.length, 1)
})

t.test(
  'a default backend gives way to rules for /, without words in its own Ingress',
  async (t) => {
    const own = settled([make('a', [at('/', 'rule')], backendOf('default'))])
    t.same(own, { routes: ['Prefix / rule'], conflicts: [] })
    const other = settled([
      make('a', [at('/x', 'a')], backendOf('default'), '2020-01-01T00:00:00Z'),
      make('b', [at('/', 'rule')]),
    ])
    t.same(other.routes, ['Prefix /x a', 'Prefix / rule'])
    t.match(other.conflicts, [{ name: 'a', field: 'spec.defaultBackend' }])
  },
)

t.test('a default backend gives way to the pattern /, which matches everything', async (t) => {
  const options: TranslateOptions = {
    ...plainOptions,
    readAnnotations: () => ({ termsFor: () => plainTerms, useRegex: true, problems: [] }),
  }
  const { routes } = settled([make('a', [at('/', 'rule')], backendOf('default'))], options)
  t.same(routes, ['Regex / rule'])
})

t.test('a winner that goes lets the loser in, and one that comes puts it out again', async (t) => {
  const translator = createTranslator(plainOptions)
  const seen = (...ingresses: readonly Ingress[]) => {
    const { table, problems } = translator.translate(snapshotOf({ ...emptyCluster, ingresses }))
    const losers = problems.filter(({ reason }) => reason === 'conflict').map(({ name }) => name)
    return `${routesIn(table).map(serviceOf)} | ${losers}`
  }
  const [a, b, c] = ['a', 'b', 'c'].map((name) => make(name, [at('/', name)]))
  const older = make('c', [at('/', 'c')], undefined, '2020-01-01T00:00:00Z')
  if (a === undefined || b === undefined || c === undefined) return
  t.equal(seen(b, c), 'b | c')
  t.equal(seen(b, c, a), 'a | b,c')
  t.equal(seen(b, older, a), 'c | a,b')
  t.equal(seen(b, a), 'a | b')
  t.equal(seen(b), 'b | ')
  t.equal(seen(), ' | ')
})

const claim = (place: number, service: string, changes: Partial<Claim> = {}): Claim => {
  const ref = refOf({ namespace: 'n', service, port: 80 })
  const route = routeOf({ host: 'a.test', service, namespace: 'n', name: 'i' })
  const words = { field: `rules[${place}]`, createdAt: 1, role: 'rule' } as const
  return { route, backends: [ref], place, ...words, ...changes }
}

function settledClaims(...claims: readonly Claim[]) {
  const { hosts, problems } = new Settler().settle([{ readings: [{ claims, problems: [] }] }])
  return [getEntry(hosts, 'a.test')?.map(serviceOf), problems.map(({ field }) => field)]
}

t.test('claims that differ in their conditions do not exclude each other', async (t) => {
  const given = (...conditions: readonly Condition[]) => {
    const route = routeOf({ host: 'a.test', service: 'x', namespace: 'n', name: 'i' })
    return { route: { ...route, match: { ...route.match, conditions } } }
  }
  const get: Condition = { kind: 'method', anyOf: ['GET'] }
  const canary: Condition = { kind: 'header', name: 'canary', text: { kind: 'present' } }
  // The same by its fields, written in another order.
  const same: Condition = { text: { kind: 'present' }, name: 'canary', kind: 'header' }
  const plain = claim(0, 'plain')
  t.same(settledClaims(plain, claim(1, 'x', given(get)), claim(2, 'x', given(canary, get))), [
    ['plain', 'x', 'x'],
    [],
  ])
  const other = { backends: [refOf({ namespace: 'n', service: 'y', port: 80 })] }
  t.same(
    settledClaims(
      claim(0, 'x', given(get, canary)),
      claim(1, 'x', { ...given(same, get), ...other }),
    ),
    [['x'], ['rules[1]']],
  )
})

t.test('the pattern / under a condition does not stand in for a default backend', async (t) => {
  const anyPath = (conditions: readonly Condition[]): Partial<Claim> => {
    const route = routeOf({ host: 'a.test', service: 'x', namespace: 'n', name: 'i' })
    return { route: { ...route, match: { ...route.match, pathType: 'Regex', conditions } } }
  }
  const spare = claim(1, 'spare', { role: 'default' })
  t.same(settledClaims(claim(0, 'x', anyPath([])), spare)[0], ['x'])
  const conditions: readonly Condition[] = [{ kind: 'method', anyOf: ['GET'] }]
  t.same(settledClaims(claim(0, 'x', anyPath(conditions)), spare)[0], ['x', 'spare'])
})

t.test('routes are in the order in which they go before each other', async (t) => {
  const owned = (path: string, name: string, kind = 'Ingress'): Partial<Claim> => {
    const route = routeOf({ host: 'a.test', path, service: name, namespace: 'n', name })
    return { route: { ...route, owner: { ...route.owner, kind } } }
  }
  const claims = [
    claim(9, 'z', { ...owned('/1', 'spare'), role: 'default', createdAt: 0 }),
    claim(0, 'z', { ...owned('/2', 'young'), createdAt: 2 }),
    claim(1, 'z', owned('/3', 'second')),
    claim(0, 'z', owned('/4', 'first')),
    claim(3, 'z', owned('/5', 'by-kind', 'RouteGroup')),
    claim(4, 'z', owned('/6', 'by-kind', 'Ingress')),
    claim(0, 'z', { ...owned('/7', 'draft'), createdAt: Number.POSITIVE_INFINITY }),
  ]
  const expected = ['by-kind', 'by-kind', 'first', 'second', 'young', 'draft', 'spare']
  t.same(settledClaims(...claims)[0], expected)
  t.same(settledClaims(...claims.toReversed())[0], expected)
})
