// Does the real program follow a cluster: quickly, with the permissions that its Role gives and no others, and through
// everything that an API server does on bad days?
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubeObject } from '../shared/kube/objects.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  routeGroups,
  secrets,
  services,
} from '../shared/kube/resources.ts'
import { type ApiServer, createApiServer } from '../shared/testing/api-server.ts'
import { sampleValue } from '../shared/testing/exposition.ts'
import { ask, askAdmin, metric, problemsOf, scrape, until } from './support/ask.ts'
import { ingressOf, serviceOf } from './support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from './support/proxy-process.ts'
import { connectRaw } from './support/raw-client.ts'
import { type EchoUpstream, readEcho, startEcho } from './support/upstream.ts'

const className: KubeObject & { spec: object } = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'weir' },
  spec: { controller: 'weir.dev/ingress' },
}

interface Stage {
  readonly api: ApiServer
  readonly one: EchoUpstream
  readonly two: EchoUpstream
  readonly folder: string
  putAll(objects: readonly KubeObject[]): void
  start(flags?: readonly string[], waitFor?: 'ready' | 'listening'): Promise<ProxyProcess>
}

async function setUp(t: Test): Promise<Stage> {
  const [api, one, two] = await Promise.all([createApiServer(), startEcho('one'), startEcho('two')])
  const folder = mkdtempSync(join(tmpdir(), 'weir-cluster-'))
  const proxies: ProxyProcess[] = []
  api.put(className)
  t.teardown(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    await Promise.all([api.close(), one.close(), two.close()])
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    api,
    one,
    two,
    folder,
    putAll(objects) {
      for (const object of objects) api.put(object)
    },
    async start(flags = [], waitFor = 'ready') {
      const kubeconfig = await api.kubeconfigFile(folder)
      const proxy = await startProxyProcess({
        flags: ['--kubeconfig', kubeconfig, ...flags],
        waitFor,
      })
      proxies.push(proxy)
      return proxy
    },
  }
}

/** A slice of fixed name whose one endpoint is `upstream`. */
function sliceTo(upstream: EchoUpstream): KubeObject {
  const slice = serviceOf('web', [upstream])[1]
  return { ...slice, metadata: { ...slice?.metadata, name: 'web-slice' } }
}

const service = (): KubeObject => serviceOf('web', [])[0] ?? {}
const ingress = (name = 'web', host = `${name}.test`): KubeObject =>
  ingressOf(name, [{ host, service: 'web' }])

const statusOf = async (proxy: ProxyProcess, host = 'web.test') =>
  (await ask(proxy.port, { host })).status

const untilStatus = (proxy: ProxyProcess, host: string, status: number) =>
  until(
    `${host} gives ${status}`,
    () => statusOf(proxy, host),
    (seen) => seen === status,
  )

await t.test(
  'an EndpointSlice event brings the first request on the new endpoint at once',
  async (t) => {
    const { api, one, two, putAll, start } = await setUp(t)
    putAll([ingress(), service(), sliceTo(one)])
    const proxy = await start()
    await untilStatus(proxy, 'web.test', 200)
    const client = await connectRaw(proxy.port)
    t.teardown(() => client.close())
    const served = async () => {
      const { body, status } = await client.request('GET / HTTP/1.1\r\nHost: web.test\r\n\r\n')
      return status === 200 ? readEcho(body).service : String(status)
    }

    const took: number[] = []
    const strangers = new Set<string>()
    for (let change = 0; change < 50; change += 1) {
      const [next, name] = change % 2 === 0 ? [two, 'two'] : [one, 'one']
      const startedAt = performance.now()
      api.put(sliceTo(next))
      for (let seen = await served(); seen !== name; seen = await served()) {
        if (seen !== 'one' && seen !== 'two') strangers.add(seen)
        if (performance.now() - startedAt > 10_000) throw new Error(`change ${change} never came`)
      }
      took.push(performance.now() - startedAt)
      t.equal(await served(), name, 'the one before gets no request any more')
    }
    took.sort((a, b) => a - b)
    const [p50 = 0, p99 = 0] = [took[24], took[49]]
    t.comment(`event to first request: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
    t.strictSame([...strangers], [], 'no request failed')
    // The aim is 50 ms (test/soak measures it); a machine that is busy with other tests is no judge of that.
    t.ok(p50 < 1000)
  },
)

// The others mostly wait for back-offs: side by side.
t.jobs = 4

t.test('routes appear, whatever the order of the objects, and go again', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  const proxy = await start()
  t.equal(await statusOf(proxy), 404, 'an empty cluster')
  t.equal((await askAdmin(proxy.adminPort, '/readyz')).status, 200, 'is no reason not to be ready')

  api.put(ingress())
  await untilStatus(proxy, 'web.test', 503)
  t.match(await problemsOf(proxy.adminPort), [{ reason: 'service-missing' }], 'Ingress first')
  api.put(service())
  await until(
    'no problem',
    () => problemsOf(proxy.adminPort),
    ({ length }) => length === 0,
  )
  t.equal(await statusOf(proxy), 503, 'no endpoint yet')
  api.put(sliceTo(one))
  await untilStatus(proxy, 'web.test', 200)

  putAll([ingress('second'), ingress('third')])
  await untilStatus(proxy, 'third.test', 200)
  t.equal(await metric(proxy.adminPort, 'weir_routes'), 3)
  api.remove(ingresses, 'default', 'second')
  await untilStatus(proxy, 'second.test', 404)
  t.equal(await statusOf(proxy, 'third.test'), 200)
  api.remove(ingressClasses, '', 'weir')
  api.put({ ...className, metadata: { name: 'weir' }, spec: { controller: 'other' } })
  await untilStatus(proxy, 'third.test', 404)
  t.equal(await metric(proxy.adminPort, 'weir_routes'), 0, 'a class of somebody else')
  t.ok(((await metric(proxy.adminPort, 'weir_route_update_seconds_count')) ?? 0) >= 5)
})

t.test('the permissions that a Role must give: these and no others', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  const used = () =>
    [
      ...new Set(
        api.requests.map(({ verb, resource: { apiVersion, plural }, namespace, name }) =>
          [verb, apiVersion, plural, namespace, name ?? ''].join(' ').trim(),
        ),
      ),
    ].sort()
  const contract = [
    'list discovery.k8s.io/v1 endpointslices',
    'list networking.k8s.io/v1 ingressclasses',
    'list networking.k8s.io/v1 ingresses',
    'list v1 services',
    'list zalando.org/v1 routegroups',
    'watch discovery.k8s.io/v1 endpointslices',
    'watch networking.k8s.io/v1 ingressclasses',
    'watch networking.k8s.io/v1 ingresses',
    'watch v1 services',
    'watch zalando.org/v1 routegroups',
  ]
  await until(
    'all watches',
    async () => api.watches(),
    (open) => open === 5,
  )
  t.strictSame(used(), contract)
  api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } })
  api.faults.endWatches()
  await until(
    'watches again',
    async () => api.watches(),
    (open) => open === 5,
  )
  t.strictSame(used(), contract, 'nor later')
  t.notOk(
    api.requests.some(({ resource }) => resource === secrets),
    'Secrets are never asked for',
  )
  t.ok(
    api.requests.every(
      ({ verb, query }) => verb !== 'watch' || query.allowWatchBookmarks === 'true',
    ),
    'watches ask for bookmarks',
  )
})

t.test('--namespace asks for one namespace only, classes aside', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  const elsewhere = (object: KubeObject): KubeObject => ({
    ...object,
    metadata: { ...object.metadata, namespace: 'elsewhere' },
  })
  putAll([ingress(), service(), sliceTo(one)])
  putAll([ingress('far'), service(), sliceTo(one)].map(elsewhere))
  const proxy = await start(['--namespace', 'default'])
  await untilStatus(proxy, 'web.test', 200)
  t.equal(await statusOf(proxy, 'far.test'), 404)
  const asked = new Set(
    api.requests.map(({ resource, namespace }) => `${resource.plural} ${namespace}`.trim()),
  )
  t.strictSame([...asked].sort(), [
    'endpointslices default',
    'ingressclasses',
    'ingresses default',
    'routegroups default',
    'services default',
  ])
})

t.test('without permission to read classes, names of classes still count', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  const allow = api.faults.deny(['list', 'watch'], ingressClasses)
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  const [problem, ...more] = await problemsOf(proxy.adminPort)
  t.equal(more.length, 0)
  t.match(problem, { reason: 'missing-permission', remedy: /.+/ })
  t.match(problem?.message, /ingressclasses/)
  t.equal(await metric(proxy.adminPort, 'weir_route_problems', { reason: 'missing-permission' }), 1)
  allow()
  await until(
    'no problem',
    () => problemsOf(proxy.adminPort),
    ({ length }) => length === 0,
  )
  t.equal(await statusOf(proxy), 200)
})

t.test('RouteGroups are served as soon as the cluster knows their kind', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  const group: KubeObject & { spec: object } = {
    apiVersion: 'zalando.org/v1',
    kind: 'RouteGroup',
    metadata: { name: 'group', namespace: 'default' },
    spec: {
      hosts: ['group.test'],
      backends: [{ name: 'web', type: 'service', serviceName: 'web', servicePort: 80 }],
      defaultBackends: [{ backendName: 'web' }],
    },
  }
  putAll([ingress(), service(), sliceTo(one), group])
  const body = '404 page not found\n'
  const install = api.faults.answer({ resource: routeGroups, status: 404, body })
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  t.equal(await statusOf(proxy, 'group.test'), 404)
  t.strictSame(await problemsOf(proxy.adminPort), [], 'a kind that is not there is no problem')
  install()
  await untilStatus(proxy, 'group.test', 200)
  const { spec, ...rest } = group
  api.put({ ...rest, spec: { ...spec, backends: [] } } as KubeObject)
  await untilStatus(proxy, 'group.test', 503)
  t.match(await problemsOf(proxy.adminPort), [
    { kind: 'RouteGroup', name: 'group', field: 'spec.backends' },
    { kind: 'RouteGroup', field: 'spec.defaultBackends[0].backendName' },
  ])
  t.equal(await statusOf(proxy), 200, 'nobody else is touched')

  const without = await start(['--route-groups=false'])
  t.equal(await statusOf(without, 'group.test'), 404)
})

t.test(
  'a permission that is lost while running is reported, and nothing is lost with it',
  async (t) => {
    const { api, one, two, putAll, start } = await setUp(t)
    putAll([ingress(), service(), sliceTo(one)])
    const proxy = await start()
    await untilStatus(proxy, 'web.test', 200)
    const allow = api.faults.deny(['list', 'watch'], ingresses)
    api.faults.endWatches(ingresses)
    await until(
      'a problem',
      () => problemsOf(proxy.adminPort),
      ({ length }) => length === 1,
    )
    t.match(await problemsOf(proxy.adminPort), [{ reason: 'missing-permission' }])
    t.equal(await statusOf(proxy), 200, 'the Ingresses that were known are served')
    api.put(sliceTo(two))
    await until(
      'other kinds are followed',
      async () => readEcho((await ask(proxy.port, { host: 'web.test' })).body).service,
      (seen) => seen === 'two',
    )
    allow()
    await until(
      'no problem',
      () => problemsOf(proxy.adminPort),
      ({ length }) => length === 0,
    )
  },
)

t.test('the API server goes away and comes back', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  const resources = ['endpointslices', 'ingressclasses', 'ingresses', 'services']
  const ages = async () => {
    const families = await scrape(proxy.adminPort)
    return resources.map((resource) =>
      sampleValue(families, 'weir_kube_watch_age_seconds', { resource }),
    )
  }
  t.ok((await ages()).every((age = 99) => age < 60))

  await api.pause()
  await until('ages grow', ages, (list) => list.every((age = 0) => age > 1.5))
  t.equal(await statusOf(proxy), 200, 'the last good table is served')
  t.equal((await askAdmin(proxy.adminPort, '/readyz')).status, 200, 'and is worth being ready for')
  const health = { host: 'any', path: '/kube-system/healthz' }
  t.equal((await ask(proxy.port, health)).status, 200)
  t.equal(await metric(proxy.adminPort, 'weir_routes'), 1)
  const complaints = proxy.logs.filter(({ msg }) => msg === 'cannot read from the API server')
  t.ok(
    complaints.length > 0 && complaints.length <= 8,
    `${complaints.length} lines, not one per try`,
  )

  putAll([ingress('late')])
  await api.resume()
  await untilStatus(proxy, 'late.test', 200)
  t.equal(await statusOf(proxy), 200)
  await until(
    'all watches',
    async () => api.watches(),
    (open) => open === 5,
  )
  api.faults.bookmark()
  await until('fresh again', ages, (list) => list.every((age = 99) => age < 1.5))
})

t.test('an empty list after an error, and errors for lists, wipe nothing', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  const rows = [
    { status: 500, why: 'an error' },
    { status: 200, body: '{}', why: 'an answer that is no list' },
    { status: 200, body: '<html>maintenance</html>', why: 'a page of somebody in between' },
    { status: 200, body: '{"kind":"IngressList","items":null}', why: 'a list without a version' },
    { status: 429, retryAfterSeconds: 1, why: 'too many requests' },
  ]
  for (const { why, ...rule } of rows) {
    const before = api.requests.length
    const undo = api.faults.answer({ verbs: ['list'], times: 4, ...rule })
    // Compaction: what was watched is gone, a new list is needed.
    api.faults.forgetHistory('event')
    api.faults.endWatches()
    await until(
      `a list is answered with ${why}`,
      async () => api.requests.slice(before),
      (seen) => seen.some(({ verb, status }) => verb === 'list' && status === rule.status),
    )
    t.equal(await statusOf(proxy), 200, why)
    undo()
  }
  await until(
    'watched again',
    async () => api.watches(),
    (open) => open === 5,
  )
  t.equal(await statusOf(proxy), 200, 'afterwards')
})

t.test('a token and a CA that are replaced are read anew', async (t) => {
  const { api, one, two, folder, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  const proxy = await start()
  await untilStatus(proxy, 'web.test', 200)
  api.setToken('rotated')
  await api.kubeconfigFile(folder)
  api.faults.endWatches()
  api.put(sliceTo(two))
  await until(
    'the change is seen with the new token',
    async () => readEcho((await ask(proxy.port, { host: 'web.test' })).body).service,
    (seen) => seen === 'two',
  )
  t.strictSame(await problemsOf(proxy.adminPort), [])
  api.rotateCertificate()
  await api.kubeconfigFile(folder)
  api.put(sliceTo(one))
  await until(
    'the change is seen over the new certificate',
    async () => readEcho((await ask(proxy.port, { host: 'web.test' })).body).service,
    (seen) => seen === 'one',
  )
})

t.test('started while the API server is down', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  await api.pause()
  const proxy = await start([], 'listening')
  const health = { host: 'any', path: '/kube-system/healthz' }
  t.equal((await ask(proxy.port, health)).status, 503, 'not healthy: it knows no route')
  const refused = await ask(proxy.port, { host: 'web.test' })
  t.equal(refused.status, 503)
  t.match(refused.body, /^503 not-synced\n/)
  t.equal((await askAdmin(proxy.adminPort, '/readyz')).status, 503)
  t.notOk(proxy.logs.some(({ msg }) => msg === 'ready'))
  await api.resume()
  await until(
    'ready',
    async () => proxy.logs,
    (logs) => logs.some(({ msg }) => msg === 'ready'),
  )
  t.equal((await ask(proxy.port, health)).status, 200)
  t.equal(await statusOf(proxy), 200)
})

t.test('the kinds come in any order, one of them late', async (t) => {
  const { api, one, putAll, start } = await setUp(t)
  putAll([ingress(), service(), sliceTo(one)])
  for (const [resource, name] of [
    [endpointSlices, 'endpointslices'],
    [services, 'services'],
  ] as const) {
    const undo = api.faults.answer({ verbs: ['list'], resource, status: 503 })
    const proxy = await start([], 'listening')
    const refused = await ask(proxy.port, { host: 'web.test' })
    t.equal(refused.status, 503, `${name} missing: not synced`)
    t.match(refused.body, /^503 not-synced\n/, 'half of a table is no table')
    undo()
    await until(
      'ready',
      () => statusOf(proxy),
      (status) => status === 200,
    )
  }
})
