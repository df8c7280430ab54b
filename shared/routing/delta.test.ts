import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { diffTables } from './delta.ts'
import { emptyTable, type Route, type RouteTable, type TableDelta, type Upstream } from './table.ts'
import { change, emptyCluster, plainOptions, snapshotOf, someHistory } from './testing/cluster.ts'
import { routeOf } from './testing/route.ts'
import { routesIn, tableWith, upstreamsIn } from './testing/table.ts'
import { createTranslator, translate } from './translate.ts'

/** What a worker holds. */
interface State {
  readonly hosts: Map<string, readonly Route[]>
  readonly upstreams: Map<string, Upstream>
  fallback: Route | undefined
}

function stateOf(table: RouteTable): State {
  return {
    hosts: Map.groupBy(routesIn(table), (route) => route.match.host),
    upstreams: new Map(upstreamsIn(table).map((upstream) => [upstream.key, upstream])),
    fallback: table.fallback,
  }
}

function apply(state: State, delta: TableDelta): void {
  for (const [host, routes] of delta.hosts) {
    if (routes.length === 0) state.hosts.delete(host)
    else state.hosts.set(host, routes)
  }
  for (const [key, upstream] of delta.upstreams) {
    if (upstream === undefined) state.upstreams.delete(key)
    else state.upstreams.set(key, upstream)
  }
  if (delta.fallback !== undefined) state.fallback = delta.fallback.route
}

t.test('deltas applied one after the other give the same as the full table', async (t) => {
  assertProperty(
    t,
    fc.property(someHistory, fc.boolean(), (history, isIncremental) => {
      const translator = createTranslator(plainOptions)
      const state = stateOf(emptyTable)
      let cluster = emptyCluster
      let previous: RouteTable | undefined
      for (const [index, step] of history.entries()) {
        cluster = change(cluster, step)
        const snapshot = snapshotOf(cluster)
        const { table } = isIncremental
          ? translator.translate(snapshot)
          : translate(snapshot, plainOptions)
        const delta = diffTables(previous, table, index + 1)
        if (delta !== undefined) apply(state, delta)
        t.strictSame(state, stateOf(table))
        t.equal(diffTables(table, structuredClone(table), index + 2), undefined)
        previous = table
      }
    }),
    { numRuns: 150 },
  )
})

const route = (host: string, service: string, path = '/'): Route =>
  routeOf({ host, path, service, namespace: 'shop' })
const upstream = (service: string, ...addresses: string[]): Upstream => ({
  key: `shop/${service}:80`,
  endpoints: addresses.map((address) => ({ address, port: 8080 })),
})

const a = route('a.test', 'a')
const b = route('b.test', 'b')
const limited: Route = { ...b, filters: [{ kind: 'x' }] }
const routes = [a, b]
const upstreams = [upstream('a', '10.0.0.1'), upstream('b')]
const base = tableWith(routes, upstreams)

const cases: {
  why: string
  next: RouteTable
  hosts?: [string, Route[]][]
  upstreams?: [string, Upstream | undefined][]
  fallback?: Route | undefined
}[] = [
  {
    why: 'a host goes',
    next: tableWith([b], upstreams),
    hosts: [['a.test', []]],
  },
  {
    why: 'a path comes: the whole host is sent',
    next: tableWith([a, b, route('a.test', 'b', '/x')], upstreams),
    hosts: [['a.test', [a, route('a.test', 'b', '/x')]]],
  },
  {
    why: 'a filter comes',
    next: tableWith([a, limited], upstreams),
    hosts: [['b.test', [limited]]],
  },
  {
    why: 'an endpoint comes',
    next: tableWith(routes, [upstream('a', '10.0.0.1'), upstream('b', '10.0.0.2')]),
    upstreams: [['shop/b:80', upstream('b', '10.0.0.2')]],
  },
  {
    why: 'an upstream goes',
    next: tableWith(routes, [upstream('b')]),
    upstreams: [['shop/a:80', undefined]],
  },
  {
    why: 'an external name takes the place of endpoints',
    next: tableWith(routes, [
      upstream('a', '10.0.0.1'),
      { ...upstream('b'), externalName: { host: 'x.test', port: 80 } },
    ]),
    upstreams: [['shop/b:80', { ...upstream('b'), externalName: { host: 'x.test', port: 80 } }]],
  },
  { why: 'a fallback comes', next: { ...base, fallback: a }, fallback: a },
  {
    why: 'another order of the same upstreams is no change',
    next: tableWith(routes, upstreams.toReversed(), a),
    fallback: a,
  },
]

for (const { why, next, hosts = [], upstreams: changed = [], ...rest } of cases) {
  t.test(why, async (t) => {
    const fallback = 'fallback' in rest ? { fallback: { route: rest.fallback } } : {}
    const expected = {
      version: 8,
      hosts: new Map(hosts),
      upstreams: new Map(changed),
      ...fallback,
    }
    t.strictSame(diffTables(base, next, 8), expected)
  })
}

t.test('a fallback that goes is said', async (t) => {
  const delta = diffTables({ ...base, fallback: a }, base, 9)
  t.same(delta?.fallback, { route: undefined })
})

t.test('the first table is always sent, even an empty one', async (t) => {
  const empty = { version: 1, hosts: new Map(), upstreams: new Map() }
  t.strictSame(diffTables(undefined, emptyTable, 1), empty)
})
