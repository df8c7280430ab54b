// Does the real program read the Secrets that routes name, those only, with the rights that the chart gives
// (proxy.secrets), and does it say what to set where a right is missing?
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubeObject } from '../shared/kube/objects.ts'
import { configMaps, secrets } from '../shared/kube/resources.ts'
import { type ApiServer, createApiServer } from '../shared/testing/api-server.ts'
import { ask, problemsOf, until } from './support/ask.ts'
import { ingressOf, serviceOf } from './support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from './support/proxy-process.ts'
import { startEcho } from './support/upstream.ts'

interface Stage {
  readonly api: ApiServer
  start(): Promise<ProxyProcess>
}

/** A cluster in which each namespace has a route at NAMESPACE.test that asks for the Secret `users`. */
async function setUp(t: Test, namespaces: readonly string[]): Promise<Stage> {
  const [api, echo] = await Promise.all([createApiServer(), startEcho('web')])
  const folder = mkdtempSync(join(tmpdir(), 'weir-secrets-'))
  const proxies: ProxyProcess[] = []
  for (const namespace of namespaces) {
    const guard = { 'weir.dev/basic-auth-secret': 'users' }
    const objects: readonly KubeObject[] = [
      ingressOf('web', [{ host: `${namespace}.test`, service: 'web' }], guard),
      ...serviceOf('web', [echo]),
    ]
    for (const object of objects)
      api.put({ ...object, metadata: { ...object.metadata, namespace } })
    for (const name of ['users', 'others']) api.put(secretOf(namespace, name, 'pw'))
  }
  t.teardown(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    await Promise.all([api.close(), echo.close()])
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    api,
    async start() {
      const flags = ['--kubeconfig', await api.kubeconfigFile(folder)]
      const proxy = await startProxyProcess({ flags })
      proxies.push(proxy)
      return proxy
    },
  }
}

function secretOf(namespace: string, name: string, password: string): KubeObject {
  const encoded = (text: string): string => Buffer.from(text).toString('base64')
  const data = { username: encoded('bob'), password: encoded(password) }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, ...{ data } }
}

const loginOf = (password: string): string =>
  `Authorization: Basic ${Buffer.from(`bob:${password}`).toString('base64')}`

function untilStatus(proxy: ProxyProcess, host: string, status: number, password = 'pw') {
  return until(
    `${host} gives ${status}`,
    async () => (await ask(proxy.port, { host, fields: [loginOf(password)] })).status,
    (seen) => seen === status,
  )
}

function untilProblems(proxy: ProxyProcess, count: number) {
  return until(
    `${count} problems`,
    () => problemsOf(proxy.adminPort),
    ({ length }) => length === count,
  )
}

// They mostly wait for back-offs: side by side.
t.jobs = 4

t.test('a Secret is listed and watched by its name: nothing else needs a right', async (t) => {
  const { api, start } = await setUp(t, ['shop'])
  const proxy = await start()
  await untilStatus(proxy, 'shop.test', 200)
  await until(
    'a watch',
    async () => api.watches(secrets),
    (open) => open === 1,
  )
  api.put(secretOf('shop', 'users', 'new'))
  await untilStatus(proxy, 'shop.test', 200, 'new')
  const asked = api.requests.filter(({ resource }) => [secrets, configMaps].includes(resource))
  t.strictSame(
    [
      ...new Set(
        asked.map(({ verb, resource, namespace, query }) =>
          [verb, resource.plural, namespace, query.fieldSelector].join(' '),
        ),
      ),
    ].sort(),
    ['list secrets shop metadata.name=users', 'watch secrets shop metadata.name=users'],
  )
})

t.test('a Role per namespace opens the routes of its namespace and no others', async (t) => {
  const { api, start } = await setUp(t, ['shop', 'blog'])
  const allow = api.faults.deny(['list', 'watch'], secrets, 'blog')
  const proxy = await start()
  await untilStatus(proxy, 'shop.test', 200)
  const problems = await untilProblems(proxy, 1)
  const closed = await ask(proxy.port, { host: 'blog.test', fields: [loginOf('pw')] })
  t.match(closed, { status: 503, body: /auth-unavailable/ })
  t.match(problems, [
    {
      reason: 'asset-missing',
      kind: 'Ingress',
      namespace: 'blog',
      name: 'web',
      message: /The Secret blog\/users may not be read by the proxy: .* 503/,
    },
  ])
  for (const word of [
    'proxy.secrets.access',
    'add blog to proxy.secrets.namespaces',
    'users to proxy.secrets.names',
    'resources: ["secrets"], resourceNames: ["users"], verbs: ["list", "watch"]',
  ])
    t.ok(problems[0]?.remedy?.includes(word), word)
  allow()
  await untilStatus(proxy, 'blog.test', 200)
  await untilProblems(proxy, 0)
})

t.test('a right that is there for a Secret that is not says so', async (t) => {
  const { api, start } = await setUp(t, ['shop'])
  api.remove(secrets, 'shop', 'users')
  const allow = api.faults.deny(['list', 'watch'], secrets)
  const proxy = await start()
  t.match(await untilProblems(proxy, 1), [{ message: /may not be read/ }])
  allow()
  await until(
    'another problem',
    () => problemsOf(proxy.adminPort),
    ([problem]) =>
      problem?.message === 'The Secret shop/users is not there: what needs it answers 503.',
  )
  api.put(secretOf('shop', 'users', 'pw'))
  await untilStatus(proxy, 'shop.test', 200)
  await untilProblems(proxy, 0)
})

t.test('a right that is taken away is told; what was read last counts', async (t) => {
  const { api, start } = await setUp(t, ['shop'])
  const proxy = await start()
  await untilStatus(proxy, 'shop.test', 200)
  await until(
    'a watch',
    async () => api.watches(secrets),
    (open) => open === 1,
  )
  const allow = api.faults.deny(['list', 'watch'], secrets)
  api.faults.endWatches(secrets)
  t.match(await untilProblems(proxy, 1), [
    {
      reason: 'asset-missing',
      message: /shop\/users may not be read.*: what was read last counts/,
    },
  ])
  await untilStatus(proxy, 'shop.test', 200)
  await untilStatus(proxy, 'shop.test', 401, 'wrong')
  allow()
  await untilProblems(proxy, 0)
})
