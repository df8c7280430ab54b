// Every conformance case against translation and router alone, without sockets: which Service and which endpoints would serve?
// What needs a running proxy (headers, load balancing, status text) is left to the suite over sockets.

import t, { type Test } from 'tap'
import { normaliseHost } from '../../proxy/http/authority.ts'
import { normalisePath, readingsOf } from '../../shared/routing/path.ts'
import { compilePattern } from '../../shared/routing/pattern.ts'
import type { Rule } from '../../shared/routing/router/host-rules.ts'
import { emptyRouter, findRoute, updateRouter } from '../../shared/routing/router/router.ts'
import { getEntry } from '../../shared/routing/sharded-map.ts'
import type { Route, RouteTable } from '../../shared/routing/table.ts'
import { serviceOf, upstreamOf } from '../../shared/routing/table.ts'
import { snapshotOf } from '../../shared/routing/testing/cluster.ts'
import { routesIn, upstreamsIn } from '../../shared/routing/testing/table.ts'
import { translate } from '../../shared/routing/translate.ts'
import { buildObjects, type CaseRequest, classRulesOf, endpointsOf, readCases } from './objects.ts'

const cases = readCases()
t.equal(cases.length, 68, 'every case with Ingresses was read')

for (const conformance of cases) {
  t.test(`${conformance.id}: ${conformance.scenario}`, async (t) => {
    const options = { classRules: classRulesOf(conformance), externalNames: [] }
    const { table } = translate(snapshotOf(buildObjects(conformance)), options)
    for (const request of conformance.requests) check(t, table, request)
  })
}

function check(t: Test, table: RouteTable, { host, path, expect }: CaseRequest): void {
  const route = find(table, host, path)
  const endpoints =
    getEntry(table.upstreams, route === undefined ? '' : upstreamOf(route))?.endpoints ?? []
  const status = statusOf(route, endpoints.length)
  const where = `${host}${path}`
  const right = [expect.status, ...(expect.alternatives ?? [])]
  t.ok(right.includes(status), `${where} gives ${status}, right is ${right.join(' or ')}`)
  if (route === undefined || status !== 200) return
  if (expect.service !== undefined) t.equal(serviceOf(route), expect.service, where)
  if (expect.namespace !== undefined) t.equal(route.owner.namespace, expect.namespace, where)
  if (expect.port !== undefined)
    t.equal(upstreamOf(route).split(':')[1], String(expect.port), where)
  const listed = endpoints.map(({ address, port }) => `${address}:${port}`)
  if (expect.endpoints !== undefined) t.same(listed, expect.endpoints, where)
  if (expect.distinctPods !== undefined) t.equal(listed.length, expect.distinctPods, where)
  if (expect.endpointPort !== undefined) {
    t.ok(
      endpoints.every(({ port }) => port === expect.endpointPort),
      where,
    )
  }
}

function statusOf(route: Route | undefined, endpoints: number): number {
  if (route === undefined) return 404
  return endpoints === 0 ? 503 : 200
}

function find(table: RouteTable, host: string, path: string): Route | undefined {
  const rules = routesIn(table).map((route): Rule<Route> => ({ ...route.match, value: route }))
  const hosts = Map.groupBy(rules, (rule) => rule.host)
  const router = updateRouter(emptyRouter<Route>(), hosts, (text) => {
    const result = compilePattern(text)
    return { matches: (of) => result.ok && result.pattern.test(of) }
  })
  // An empty host: the client named the proxy's address.
  const name = normaliseHost(host === '' ? '127.0.0.1' : host)
  const normal = normalisePath(path.split('?')[0] ?? '')
  if (name === undefined || normal === undefined) return undefined
  return findRoute(router, name, readingsOf(normal)?.matched ?? normal) ?? table.fallback
}

t.test('objects of a case can be placed on other addresses', async (t) => {
  for (const conformance of cases) {
    const places = endpointsOf(conformance)
    const objects = buildObjects(conformance, ({ address, port }) => {
      const index = places.findIndex((place) => place.address === address && place.port === port)
      return { address: `127.1.0.${index + 1}`, port: 20000 + index }
    })
    const options = { classRules: classRulesOf(conformance), externalNames: [] }
    const before = translate(snapshotOf(buildObjects(conformance)), options)
    const after = translate(snapshotOf(objects), options)
    const counts = (table: RouteTable) =>
      upstreamsIn(table).map(({ endpoints }) => endpoints.length)
    t.same(counts(after.table), counts(before.table), conformance.id)
    const used = upstreamsIn(after.table).flatMap((upstream) => upstream.endpoints)
    t.ok(used.every(({ address, port }) => address.startsWith('127.1.') && port >= 20000))
  }
})

t.test('a scale-up can start with one endpoint', async (t) => {
  const conformance = cases.find(({ requests }) => requests.some((it) => it.expect.distinctPods))
  if (conformance === undefined) {
    t.fail('there is no such case')
    return
  }
  const options = { classRules: classRulesOf(conformance), externalNames: [] }
  const { table } = translate(snapshotOf(buildObjects(conformance, undefined, 1)), options)
  t.equal(upstreamsIn(table)[0]?.endpoints.length, 1)
})
