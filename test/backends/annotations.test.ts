// Do the annotations of backends do what they say? The real program with two threads, Ingresses in manifests, real upstreams.
import t from 'tap'
import type { EndpointSlice, KubeObject, Service } from '../../shared/kube/objects.ts'
import { type Ask, ask, metric, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { answer, startNamed } from './stage.ts'

const fails = (name: string) => ({ onRequest: () => answer(name, 503) })

const upstreams = {
  web: [await startNamed(t, 'web')],
  canary: [await startNamed(t, 'canary')],
  three: [await startNamed(t, 'a'), await startNamed(t, 'b'), await startNamed(t, 'c')],
  retried: [await startNamed(t, 'bad', fails('bad')), await startNamed(t, 'good')],
  failing: [await startNamed(t, 'bad', fails('bad'))],
  outlier: [await startNamed(t, 'bad', fails('bad')), await startNamed(t, 'good')],
  checked: [
    await startNamed(t, 'sick', {
      onRequest: ({ target }) => (target === '/ready' ? answer('no', 503) : answer('sick')),
    }),
    await startNamed(t, 'well'),
  ],
  zoned: [await startNamed(t, 'eu-1a'), await startNamed(t, 'eu-1b')],
}

/** A Service that prefers zones: the first endpoint is in eu-1a, the others in eu-1b. */
function zonedService(): readonly KubeObject[] {
  const [service, ...slices] = serviceOf('zoned', upstreams.zoned)
  const { spec } = service as Service
  return [
    { ...service, spec: { ...spec, trafficDistribution: 'PreferSameZone' } } as Service,
    ...slices.map((slice, at): KubeObject => {
      const { endpoints } = slice as EndpointSlice
      const zone = at === 0 ? 'eu-1a' : 'eu-1b'
      return { ...slice, endpoints: endpoints?.map((one) => ({ ...one, zone })) } as EndpointSlice
    }),
  ]
}

const ingress = (service: string, annotations: Readonly<Record<string, string>>) =>
  ingressOf(service, [{ host: `${service}.test`, service }], annotations)

const folder = createManifestFolder([
  ...Object.entries(upstreams).flatMap(([name, list]) =>
    name === 'zoned' ? zonedService() : serviceOf(name, list),
  ),
  ingress('web', { 'weir.dev/weights': 'web:80=50, canary:80=50' }),
  ingress('three', { 'weir.dev/hash-by': 'header:X-User' }),
  ingress('retried', { 'weir.dev/retry-on': '5xx', 'weir.dev/retries': '1' }),
  ingress('failing', { 'weir.dev/circuit-breaker': 'failures=2 open=1m' }),
  ingress('outlier', { 'weir.dev/outlier-5xx': '2' }),
  ingress('checked', {
    'weir.dev/health-check': '/ready',
    'weir.dev/health-check-interval': '200ms',
    'weir.dev/health-check-unhealthy': '1',
  }),
  ingress('zoned', {}),
])
const proxy = await startProxyProcess({
  flags: ['--manifests', folder.path, '--workers', '2', '--zone', 'eu-1b'],
})
t.teardown(async () => {
  await proxy.stop()
  folder.dispose()
})

/** The bodies of `times` responses, or status and code of those that failed. */
async function bodies(
  service: string,
  times: number,
  asked: (index: number) => Partial<Ask> = () => ({}),
): Promise<readonly string[]> {
  const seen: string[] = []
  for (let index = 0; index < times; index += 1) {
    const { status, body } = await ask(proxy.port, { host: `${service}.test`, ...asked(index) })
    seen.push(status < 500 ? body : `${status} ${/[a-z]+-[a-z]+/.exec(body)?.[0] ?? body}`)
  }
  return seen
}

t.test('all of them are understood', async (t) => {
  t.strictSame(await problemsOf(proxy.adminPort), [])
})

t.test('weir.dev/weights shares requests among Services', async (t) => {
  t.same(new Set(await bodies('web', 40)), new Set(['web', 'canary']))
})

t.test('weir.dev/hash-by sends a value to one endpoint, by whichever thread', async (t) => {
  for (const user of ['ann', 'bob', 'eve']) {
    t.equal(new Set(await bodies('three', 12, () => ({ fields: [`X-User: ${user}`] }))).size, 1)
  }
  const users = await bodies('three', 30, (index) => ({ fields: [`X-User: ${index}`] }))
  t.equal(new Set(users).size, 3)
})

t.test('weir.dev/retry-on tries another endpoint', async (t) => {
  t.same(new Set(await bodies('retried', 20)), new Set(['good']))
  t.ok(((await metric(proxy.adminPort, 'weir_retries_total')) ?? 0) > 0)
})

t.test('weir.dev/circuit-breaker fails requests at once', async (t) => {
  // Each of the two threads opens its own.
  const seen = await bodies('failing', 20)
  t.ok(seen.filter((body) => body === '503 bad').length <= 4, `${seen}`)
  t.equal(seen.at(-1), '503 circuit-open')
})

t.test('weir.dev/outlier-5xx passes an endpoint over', async (t) => {
  await bodies('outlier', 40)
  t.same(new Set(await bodies('outlier', 20)), new Set(['good']))
  await until(
    'the endpoint shows as ejected',
    () => metric(proxy.adminPort, 'weir_endpoints', { state: 'ejected' }),
    (count) => (count ?? 0) > 0,
  )
})

t.test('weir.dev/health-check passes an endpoint over before a request fails', async (t) => {
  await until(
    'both threads have found out',
    () => metric(proxy.adminPort, 'weir_endpoints', { state: 'unhealthy' }),
    (count) => count === 2,
  )
  t.same(new Set(await bodies('checked', 20)), new Set(['well']))
})

t.test('--zone and trafficDistribution keep requests in the zone', async (t) => {
  t.same(new Set(await bodies('zoned', 20)), new Set(['eu-1b']))
})
