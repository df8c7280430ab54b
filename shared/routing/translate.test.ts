import fc from 'fast-check'
import t from 'tap'
import type { Ingress } from '../kube/objects.ts'
import { assertProperty } from '../testing/assert-property.ts'
import { plainTerms } from './ingress/annotations/draft.ts'
import { serviceOf, upstreamOf } from './table.ts'
import {
  backendOf,
  type Cluster,
  change,
  emptyCluster,
  largeCluster,
  plainOptions,
  sliceOf,
  snapshotOf,
  someHistory,
  someStep,
} from './testing/cluster.ts'
import { routesIn, upstreamsIn } from './testing/table.ts'
import {
  createTranslator,
  type TranslateOptions,
  type Translation,
  translate as translateSnapshot,
} from './translate.ts'
import { refOf } from './upstreams/backend-ref.ts'

/** A translator that sees one cluster after the other. */
function following(of: TranslateOptions): (cluster: Cluster) => Translation {
  const translator = createTranslator(of)
  return (cluster) => translator.translate(snapshotOf(cluster))
}

const translate = (cluster: Cluster, of: TranslateOptions): Translation =>
  translateSnapshot(snapshotOf(cluster), of)

const options: TranslateOptions = {
  ...plainOptions,
  defaultBackend: { namespace: 'shop', service: 'a', port: 80 },
}

/** Annotations of which some Ingresses have a pattern, one has a problem, one calls another Service, and one is a canary. */
const variedOptions: TranslateOptions = {
  ...options,
  readAnnotations: ({ metadata: { name = '', namespace = '' } = {} }) => {
    const to = refOf({ namespace, service: 'd', port: 80 })
    const mirror = { kind: 'mirror', to, percent: 100 }
    const filters = name === 'b' ? [mirror] : []
    const words = { field: 'metadata.annotations', message: 'm', remedy: 'r' }
    const problem = { reason: 'unknown-annotation', kind: 'Ingress', namespace, name } as const
    return {
      useRegex: name === 'a' || name === 'b',
      isAlternative: name === 'd',
      termsFor: () => ({
        ...plainTerms,
        filters,
        ...(name === 'd' ? { alternative: { rules: [], share: 0.5, isSticky: true } } : {}),
      }),
      problems: name === 'c' ? [{ ...problem, ...words }] : [],
    }
  },
}

/** All that a translation says, in its order; the maps of a table have none. */
function listed({ table, problems }: Translation) {
  const { fallback } = table
  return { routes: routesIn(table), upstreams: upstreamsIn(table), fallback, problems }
}

t.test('a translator gives after any history what a fresh one gives', async (t) => {
  const step = fc.record({ changes: someStep, isTurned: fc.integer({ min: 0, max: 9 }) })
  assertProperty(
    t,
    fc.property(fc.array(step, { minLength: 1, maxLength: 16 }), (history) => {
      const next = following(variedOptions)
      let cluster = emptyCluster
      for (const { changes, isTurned } of history) {
        cluster = change(cluster, changes)
        // The same objects in another order: a manifest was rewritten.
        if (isTurned === 0) cluster = { ...cluster, ingresses: cluster.ingresses.toReversed() }
        t.strictSame(listed(next(cluster)), listed(translate(cluster, variedOptions)))
      }
    }),
    { numRuns: 400 },
  )
})

t.test('Services that filters call are among the upstreams', async (t) => {
  const { table } = translate(
    {
      ...emptyCluster,
      ingresses: [
        {
          metadata: { name: 'b', namespace: 'shop' },
          spec: { ingressClassName: 'weir', defaultBackend: backendOf('a') },
        },
      ],
      services: [{ metadata: { name: 'd', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } }],
    },
    variedOptions,
  )
  t.same(
    upstreamsIn(table).map(({ key }) => key),
    ['shop/d:80'],
  )
})

t.test(
  'no two routes match the same, and a route lacks its upstream only without a Service',
  async (t) => {
    assertProperty(
      t,
      fc.property(someHistory, (history) => {
        const cluster = change(emptyCluster, history.flat())
        const { table } = translate(cluster, options)
        const [routes, upstreams] = [routesIn(table), upstreamsIn(table)]
        const matches = routes.map(({ match }) => `${match.host} ${match.pathType} ${match.path}`)
        t.equal(new Set(matches).size, matches.length)
        const keys = upstreams.map((upstream) => upstream.key)
        t.equal(new Set(keys).size, keys.length)
        const services = new Set(
          cluster.services.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
        )
        for (const route of routes) {
          const upstream = upstreamOf(route)
          const service = `${route.owner.namespace}/${serviceOf(route)}`
          t.equal(keys.includes(upstream), services.has(service), upstream)
        }
      }),
      { numRuns: 100 },
    )
  },
)

t.test('the order of the objects does not decide who wins', async (t) => {
  assertProperty(
    t,
    fc.property(someHistory, (history) => {
      const cluster = change(emptyCluster, history.flat())
      const turned = {
        ...cluster,
        ingresses: cluster.ingresses.toReversed(),
        services: cluster.services.toReversed(),
        endpointSlices: cluster.endpointSlices.toReversed(),
      }
      const sorted = (list: readonly unknown[]) => list.map((item) => JSON.stringify(item)).sort()
      const one = translate(cluster, options)
      const other = translate(turned, options)
      t.same(routesIn(other.table), routesIn(one.table))
      t.same(upstreamsIn(other.table), upstreamsIn(one.table))
      t.same(sorted(other.problems), sorted(one.problems))
    }),
    { numRuns: 100 },
  )
})

t.test('what did not change stays the same object', async (t) => {
  const next = following(plainOptions)
  const cluster = largeCluster(20)
  const first = next(cluster)

  t.test('a snapshot of the same objects', async (t) => {
    t.equal(next({ ...cluster, ingresses: [...cluster.ingresses] }), first)
  })
  t.test('an endpoint that moves', async (t) => {
    const moved = next(
      change(cluster, [
        { kind: 'endpointSlices', name: 'web-7-1', object: sliceOf('web-7', 'ns-7', 999) },
      ]),
    )
    t.equal(moved.table.hosts, first.table.hosts)
    const before = upstreamsIn(first.table)
    const changed = upstreamsIn(moved.table).filter((upstream) => !before.includes(upstream))
    t.match(changed, [
      { key: 'ns-7/web-7:80', endpoints: [{ address: '10.3.231.1' }, { address: '10.3.231.2' }] },
    ])
    t.equal(changed.length, 1)
  })
  t.test('a slice that is written again with the same content', async (t) => {
    const before = next(cluster)
    const touched = { kind: 'endpointSlices', name: 'web-7-1' } as const
    const after = next(change(cluster, [{ ...touched, object: sliceOf('web-7', 'ns-7', 7) }]))
    t.equal(after, before)
  })
  t.test('an Ingress that comes', async (t) => {
    const ingress: Ingress = {
      metadata: { name: 'more', namespace: 'ns-1' },
      spec: { ingressClassName: 'weir', defaultBackend: backendOf('web-1') },
    }
    const { table } = next(change(cluster, [{ kind: 'ingresses', name: 'more', object: ingress }]))
    const routes = new Set(routesIn(table))
    t.equal(routes.size, routesIn(first.table).length + 1)
    t.ok(routesIn(first.table).every((route) => routes.has(route)))
  })
})

t.test('one misshapen object leaves the others as they are', async (t) => {
  const cluster = largeCluster(3)
  const good = translate(cluster, plainOptions)
  const shapes: unknown[] = [
    null,
    5,
    'text',
    [],
    {},
    { metadata: null },
    { metadata: { name: 5 } },
    { metadata: { name: 'odd', namespace: {}, labels: 5 }, spec: 'text' },
    {
      metadata: { name: 'odd', labels: { 'kubernetes.io/service-name': 'web-0' } },
      ports: 5,
      endpoints: 'x',
    },
    {
      metadata: { name: 'odd', namespace: 'ns-0', annotations: [] },
      spec: { ports: {}, rules: {} },
    },
  ]
  for (const shape of shapes) {
    t.test(JSON.stringify(shape), async (t) => {
      // As it comes from a file or the API server: JSON of any shape.
      const odd = JSON.parse(JSON.stringify(shape))
      const result = translate(
        {
          ingresses: [odd, ...cluster.ingresses, odd],
          ingressClasses: [odd],
          services: [odd, ...cluster.services],
          endpointSlices: [odd, ...cluster.endpointSlices],
        },
        plainOptions,
      )
      t.strictSame(result.table, good.table)
    })
  }
})

t.test('a Service, a slice and a port that come later end their problems', async (t) => {
  const next = following(plainOptions)
  const { ingresses, services, endpointSlices } = largeCluster(1)
  const missing = next({ ...emptyCluster, ingresses })
  t.match(missing.problems, [{ reason: 'service-missing' }, { reason: 'service-missing' }])
  t.same(upstreamsIn(missing.table), [])
  const empty = next({ ...emptyCluster, ingresses, services })
  t.same(empty.problems, [])
  t.match(upstreamsIn(empty.table), [{ endpoints: [] }])
  const served = next({ ...emptyCluster, ingresses, services, endpointSlices })
  t.equal(upstreamsIn(served.table)[0]?.endpoints.length, 2)
  t.equal(served.table.hosts, missing.table.hosts)
  const other = {
    metadata: { name: 'web-0', namespace: 'ns-0' },
    spec: { ports: [{ port: 8080 }] },
  }
  const portless = next({ ...emptyCluster, ingresses, services: [other], endpointSlices })
  t.match(portless.problems, [{ reason: 'port-missing' }, { reason: 'port-missing' }])
  t.match(upstreamsIn(portless.table), [{ endpoints: [] }])
})
