import t from 'tap'
import type { Ingress, IngressBackend, IngressPath } from '../kube/objects.ts'
import { plainTerms } from './ingress/annotations/draft.ts'
import { serviceOf } from './table.ts'
import { backendOf, emptyCluster, plainOptions, snapshotOf } from './testing/cluster.ts'
import { type TranslateOptions, translate } from './translate.ts'

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
    routes: table.routes.map(
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
