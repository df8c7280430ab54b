import fc from 'fast-check'
import t from 'tap'
import type { Ingress } from '../kube/objects.ts'
import { assertProperty } from '../testing/assert-property.ts'
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
} from './testing/cluster.ts'
import {
  createTranslator,
  type TranslateOptions,
  type Translation,
  translate as translateSnapshot,
} from './translate.ts'

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

t.test('a translator gives after any history what a fresh one gives', async (t) => {
  assertProperty(
    t,
    fc.property(someHistory, (history) => {
      const next = following(options)
      let cluster = emptyCluster
      for (const step of history) {
        cluster = change(cluster, step)
        t.strictSame(next(cluster), translate(cluster, options))
      }
    }),
    { numRuns: 150 },
  )
})

t.test(
  'no two routes match the same, and a route lacks its upstream only without a Service',
  async (t) => {
    assertProperty(
      t,
      fc.property(someHistory, (history) => {
        const cluster = change(emptyCluster, history.flat())
        const { routes, upstreams } = translate(cluster, options).table
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
      t.same(sorted(other.table.routes), sorted(one.table.routes))
      t.same(sorted(other.table.upstreams), sorted(one.table.upstreams))
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
    t.equal(moved.table.routes, first.table.routes)
    const changed = moved.table.upstreams.filter(
      (upstream) => !first.table.upstreams.includes(upstream),
    )
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
    t.equal(table.routes.length, first.table.routes.length + 1)
    t.ok(first.table.routes.every((route, index) => table.routes[index] === route))
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
  t.same(missing.table.upstreams, [])
  const empty = next({ ...emptyCluster, ingresses, services })
  t.same(empty.problems, [])
  t.match(empty.table.upstreams, [{ endpoints: [] }])
  const served = next({ ...emptyCluster, ingresses, services, endpointSlices })
  t.equal(served.table.upstreams[0]?.endpoints.length, 2)
  t.equal(served.table.routes, missing.table.routes)
  const other = {
    metadata: { name: 'web-0', namespace: 'ns-0' },
    spec: { ports: [{ port: 8080 }] },
  }
  const portless = next({ ...emptyCluster, ingresses, services: [other], endpointSlices })
  t.match(portless.problems, [{ reason: 'port-missing' }, { reason: 'port-missing' }])
  t.match(portless.table.upstreams, [{ endpoints: [] }])
})
