// What does `--metrics-like ingress-nginx` export? The real program under traffic that is known exactly; without it, nothing.
import t, { type Test } from 'tap'
import { type ExposedFamily, sampleValue } from '../shared/testing/exposition.ts'
import { ask, scrape, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { startEcho } from './support/upstream.ts'

const nginx = (keys: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
  )

async function setUp(t: Test, flags: readonly string[]) {
  const main = await startEcho('main')
  const canary = await startEcho('canary')
  const rules = (service: string) => [{ host: 'shop.test', path: '/cart', service }]
  const folder = createManifestFolder([
    ingressOf('front', rules('main')),
    ingressOf('next', rules('canary'), nginx({ canary: 'true', 'canary-by-header': 'X-Canary' })),
    ingressOf('wild', [{ host: '*.wild.test', service: 'main' }]),
    ingressOf('any', [{ path: '/any', service: 'main' }]),
    ingressOf('closed', [{ host: 'closed.test', service: 'main' }], {
      'weir.dev/allow-source-ranges': '192.0.2.0/24',
    }),
    ...serviceOf('main', [main]),
    ...serviceOf('canary', [canary]),
  ])
  t.teardown(async () => {
    await Promise.all([main.close(), canary.close()])
    folder.dispose()
  })
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--workers', '2', ...flags],
  })
  t.teardown(() => proxy.stop())
  return proxy
}

const traffic = [
  { host: 'shop.test', path: '/cart/1?a=b' },
  { host: 'shop.test', path: '/cart/2' },
  { host: 'shop.test', path: '/cart/3', fields: ['X-Canary: always'] },
  { host: 'a.wild.test' },
  { host: 'b.wild.test' },
  { host: 'undeclared.test', path: '/any/x' },
  { host: 'closed.test' },
  { host: 'shop.test', path: '/elsewhere' },
]

const own = {
  controller_namespace: 'edge',
  controller_class: 'weir.dev/ingress',
  controller_pod: 'weir-abcde',
  namespace: 'default',
  method: 'GET',
  status: '200',
  service: 'main',
  canary: '',
}

const expected = [
  {
    of: { ingress: 'front', host: 'shop.test', path: '/cart' },
    count: 2,
    why: 'the path of the rule',
  },
  {
    of: { ingress: 'front', host: 'shop.test', path: '/cart', canary: 'default-canary-80' },
    count: 1,
    why: 'a canary is named, under the Ingress that it belongs to',
  },
  { of: { ingress: 'wild', host: '*.wild.test', path: '/' }, count: 2, why: 'a declared wildcard' },
  { of: { ingress: 'any', host: '_', path: '/any' }, count: 1, why: 'no host is declared' },
  {
    of: { ingress: 'closed', host: 'closed.test', path: '/', status: '403' },
    count: 1,
    why: 'a refusal',
  },
]

t.test('requests by host and path of their rule, in eight families', async (t) => {
  const proxy = await setUp(t, [
    ...['--metrics-like', 'ingress-nginx', '--pod-name', 'weir-abcde', '--pod-namespace', 'edge'],
  ])
  for (const { host, ...rest } of traffic) await ask(proxy.port, { host, ...rest })
  const families = await until(
    'seven requests with a route',
    () => scrape(proxy.adminPort),
    (scraped) => sumOf(scraped.get('nginx_ingress_controller_requests')) === 7,
  )
  const name = 'nginx_ingress_controller_'
  t.equal(
    families.get(`${name}requests`)?.samples.length,
    expected.length,
    'one without a route is in none of them',
  )
  for (const { of, count, why } of expected) {
    const labels = { ...own, ...of }
    const value = (family: string) => sampleValue(families, name + family, labels)
    t.equal(value('requests'), count, why)
    for (const family of [
      'request_duration_seconds',
      'request_size',
      'response_size',
      'bytes_sent',
    ]) {
      t.equal(value(`${family}_count`), count, family)
      t.ok(Number(value(`${family}_sum`)) > 0, family)
    }
    const answered = labels.status === '200' ? count : undefined
    for (const family of ['response', 'header', 'connect']) {
      t.equal(value(`${family}_duration_seconds_count`), answered, family)
    }
    t.ok(Number(value('response_size_sum')) > count * 60, 'heads count')
  }
  t.equal(sampleValue(families, `${name}config_last_reload_successful`, controllerOf(own)), 1)
})

function sumOf(family: ExposedFamily | undefined): number {
  return (family?.samples ?? []).reduce((sum, { value }) => sum + value, 0)
}

function controllerOf(labels: typeof own): Record<string, string> {
  const { controller_class, controller_namespace, controller_pod } = labels
  return { controller_class, controller_namespace, controller_pod }
}

t.test('without the option there is no such name', async (t) => {
  const proxy = await setUp(t, [])
  await ask(proxy.port, { host: 'shop.test', path: '/cart' })
  const scraped = await until(
    'one request',
    () => scrape(proxy.adminPort),
    (families) => sumOf(families.get('weir_requests_total')) === 1,
  )
  const names = [...scraped.keys()]
  t.strictSame(
    names.filter((name) => name.startsWith('nginx_')),
    [],
  )
})

t.test('a system that is not known is refused', async (t) => {
  await t.rejects(setUp(t, ['--metrics-like', 'traefik']), /metrics-like.*ingress-nginx/)
})
