// Every call of the client against the wire protocol, and each way to be let in.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../clock.ts'
import { ConfigError } from '../../options-table.ts'
import { type ApiServer, createApiServer } from '../../testing/api-server.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import type { KubeConfig } from '../auth.ts'
import { createAuthCache } from '../auth-cache.ts'
import { createKubeClient, type KubeClient } from '../client.ts'
import { loadKubeConfig } from '../config.ts'
import type { KubeResult } from '../error.ts'
import type { Ingress, Lease, Pod } from '../objects.ts'
import { configMaps, ingresses, leases, nodes, pods } from '../resources.ts'

const newFolder = () => mkdtempSync(join(tmpdir(), 'weir-'))

async function startApi(t: Test): Promise<ApiServer> {
  const api = await createApiServer()
  t.teardown(() => api.close())
  return api
}

async function startClient(t: Test): Promise<{ api: ApiServer; client: KubeClient }> {
  const api = await startApi(t)
  const kubeconfig = { server: api.url, namespace: 'x', ...authOf(api) }
  const client = createKubeClient(kubeconfig, { clock: systemClock })
  t.teardown(() => client.close())
  return { api, client }
}

function authOf(api: ApiServer): Pick<KubeConfig, 'auth' | 'forget'> {
  const auth = {
    headers: { authorization: `Bearer ${api.token()}` },
    tls: { ca: api.caPem() },
  }
  return { auth: () => Promise.resolve(auth), forget: () => undefined }
}

/** The body of a result, or its error as a text that no test expects. */
function bodyOf<T>(result: KubeResult<T>): T {
  if (!result.ok) throw new Error(`${result.error.status} ${result.error.reason}`)
  return result.body
}

const failureOf = (result: KubeResult<unknown>) =>
  result.ok ? 'success' : `${result.error.status} ${result.error.reason}`

const lease = (holderIdentity: string): Lease => ({
  metadata: { name: 'weir', namespace: 'kube-system' },
  spec: { holderIdentity, leaseDurationSeconds: 15 },
})

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { nodeName: 'n1' },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
}

t.test('a Lease is created once, and updated only from its newest version', async (t) => {
  const { client } = await startClient(t)
  const target = { namespace: 'kube-system', name: 'weir' }
  t.equal(failureOf(await client.get(leases, target)), '404 NotFound')
  const created = bodyOf(await client.create(leases, lease('a')))
  t.equal(failureOf(await client.create(leases, lease('b'))), '409 AlreadyExists')
  const renewed = bodyOf(
    await client.update(leases, { ...created, spec: { ...created.spec, holderIdentity: 'b' } }),
  )
  t.equal(renewed.spec?.holderIdentity, 'b')
  t.equal(failureOf(await client.update(leases, created)), '409 Conflict', 'an old version')
  t.equal(bodyOf(await client.get(leases, target)).spec?.holderIdentity, 'b')
})

t.test('a status patch merges conditions by type and touches nothing else', async (t) => {
  const { api, client } = await startClient(t)
  api.put(pod)
  const condition = { type: 'weir.dev/target-healthy', status: 'True' }
  const patched = bodyOf(
    await client.patch(
      pods,
      { namespace: 'shop', name: 'p' },
      { spec: { nodeName: 'other' }, status: { conditions: [condition] } },
      { kind: 'strategic', subresource: 'status' },
    ),
  )
  t.strictSame(patched.status?.conditions, [{ type: 'Ready', status: 'True' }, condition])
  t.equal(patched.spec?.nodeName, 'n1')
})

t.test(
  'a merge patch with an old version is a conflict; one that changes nothing is no write',
  async (t) => {
    const { api, client } = await startClient(t)
    const target = { namespace: 'shop', name: 'web' }
    const before = api.put<Ingress>({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: target,
    })
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.test' }] } }
    const options = { subresource: 'status' } as const
    const first = bodyOf(await client.patch(ingresses, target, { status }, options))
    t.strictSame(first.status, status)
    const again = bodyOf(await client.patch(ingresses, target, { status }, options))
    t.equal(again.metadata?.resourceVersion, first.metadata?.resourceVersion)
    const stale = { metadata: { resourceVersion: before.metadata?.resourceVersion }, status: {} }
    t.equal(failureOf(await client.patch(ingresses, target, stale, options)), '409 Conflict')
  },
)

t.test('an object is deleted only if it is still the one that was meant', async (t) => {
  const { api, client } = await startClient(t)
  const { metadata } = api.put(pod)
  const target = { namespace: 'shop', name: 'p' }
  t.equal(failureOf(await client.delete(pods, target, { uid: 'earlier' })), '409 Conflict')
  const uid = metadata?.uid
  t.ok((await client.delete(pods, target, uid === undefined ? {} : { uid })).ok)
  t.equal(failureOf(await client.delete(pods, target)), '404 NotFound')
})

t.test('field and label selectors choose among all pages', async (t) => {
  const { api, client } = await startClient(t)
  for (let i = 0; i < 1200; i += 1) {
    const metadata = { name: `p${i}`, namespace: 'shop', labels: { app: i % 2 ? 'a' : 'b' } }
    api.put({ ...pod, metadata, spec: { nodeName: `n${i % 3}` } })
  }
  const { items } = bodyOf(
    await client.list(pods, { fieldSelector: 'spec.nodeName=n1', labelSelector: 'app=a' }),
  )
  t.equal(items.length, 200)
  t.equal(bodyOf(await client.list(pods)).items.length, 1200)
  t.equal(bodyOf(await client.list(nodes)).items.length, 0)
})

t.test('names never add a path segment', async (t) => {
  const { api, client } = await startClient(t)
  const target = { namespace: 'shop', name: '../../nodes/n1?x=' }
  t.equal(failureOf(await client.get(configMaps, target)), '404 NotFound')
  t.match(api.requests.at(-1), { verb: 'get', namespace: 'shop', name: '../../nodes/n1?x=' })
})

t.test('a call that gets no answer ends by its time limit, or when it is given up', async (t) => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const address = silent.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const auth = { headers: {}, tls: {} }
  const config = {
    server: `http://127.0.0.1:${port}`,
    namespace: 'x',
    auth: () => Promise.resolve(auth),
    forget: () => undefined,
  }
  const client = createKubeClient(config, { clock: systemClock })
  t.teardown(() => client.close())
  const target = { name: 'n1' }
  t.equal(failureOf(await client.get(nodes, target, { timeoutMs: 20 })), '0 Timeout')
  const signal = AbortSignal.abort()
  t.equal(failureOf(await client.get(nodes, target, { signal })), '0 Aborted')
})

t.test('an API server that is not there is an error like others', async (t) => {
  const { api, client } = await startClient(t)
  await api.pause()
  t.equal(failureOf(await client.list(nodes)), '0 Unreachable')
  await api.resume()
  t.ok((await client.list(nodes)).ok)
})

t.test('credentials that cannot be read are an error like others', async (t) => {
  const api = await startApi(t)
  const config = await loadKubeConfig({
    env: api.env,
    clock: systemClock,
    serviceAccountFolder: '/nonexistent',
  })
  const client = createKubeClient(config, { clock: systemClock })
  t.teardown(() => client.close())
  t.equal(failureOf(await client.list(nodes)), '0 Unreachable')
  t.equal(config.namespace, 'default')
})

t.test('calls share their connection', async (t) => {
  const { api, client } = await startClient(t)
  for (let i = 0; i < 10; i += 1) await client.list(nodes)
  // undici offers a connection again one turn after its answer: the next call may be quicker, once.
  t.ok(api.connections() <= 2, `${api.connections()} connections`)
})

t.test('credentials that many ask for at once are read once', async (t) => {
  let readings = 0
  const auth = createAuthCache({
    clock: new ManualClock(),
    read: async () => {
      readings += 1
      return { headers: { authorization: `Bearer ${readings}` }, tls: {} }
    },
  })
  const [first, second] = await Promise.all([auth.auth(), auth.auth()])
  t.equal(first, second)
  t.equal(readings, 1)
  auth.forget()
  t.not(await auth.auth(), first)
})

t.test('a client that was closed connects no more', async (t) => {
  const { api, client } = await startClient(t)
  await client.list(nodes)
  const before = api.connections()
  await client.close()
  t.equal(failureOf(await client.list(nodes)), '0 Unreachable')
  t.equal(api.connections(), before)
})

t.test('outside of a pod and without a kubeconfig the way out is named', async (t) => {
  await t.rejects(loadKubeConfig({ env: {}, clock: systemClock }), {
    name: 'ConfigError',
    message: /--kubeconfig PATH or --manifests PATH/,
  })
})

t.test('an IPv6 address of the API server is put in brackets', async (t) => {
  const config = await loadKubeConfig({
    env: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
    clock: systemClock,
  })
  t.equal(config.server, 'https://[fd00::1]:443')
})

t.test('the files of the service account are read again when they are 30 s old', async (t) => {
  const api = await startApi(t)
  const folder = await api.serviceAccountFolder(join(newFolder(), 'account'), 'weir')
  const clock = new ManualClock()
  const config = await loadKubeConfig({ env: api.env, clock, serviceAccountFolder: folder })
  t.equal(config.namespace, 'weir')
  const first = await config.auth()
  writeFileSync(join(folder, 'token'), 'next\n')
  clock.advance(29_000)
  t.equal(await config.auth(), first)
  clock.advance(2_000)
  const second = await config.auth()
  t.equal(second.headers.authorization, 'Bearer next')
  config.forget()
  t.equal(await config.auth(), second, 'what did not change is the same')
})

/** Kubeconfigs of all sorts; each must let a call through. */
const kubeconfigs: {
  readonly why: string
  readonly user: (api: ApiServer, folder: string) => object
}[] = [
  { why: 'a token', user: (api) => ({ token: api.token() }) },
  {
    why: 'a token file, relative to nothing but itself',
    user(api, folder) {
      writeFileSync(join(folder, 'token'), `${api.token()}\n`)
      return { tokenFile: join(folder, 'token') }
    },
  },
  {
    why: 'a command (exec), as EKS uses',
    user: (api) => ({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: [
          '-e',
          `console.log(JSON.stringify({kind:'ExecCredential',status:{token:process.env.T}}))`,
        ],
        env: [{ name: 'T', value: api.token() }],
      },
    }),
  },
]

for (const { why, user } of kubeconfigs) {
  t.test(`a kubeconfig lets us in by ${why}`, async (t) => {
    const api = await startApi(t)
    const folder = newFolder()
    const path = join(folder, 'config')
    writeFileSync(join(folder, 'ca.pem'), api.caPem())
    writeFileSync(
      path,
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'here' } }],
        clusters: [
          { name: 'c', cluster: { server: `${api.url}/`, 'certificate-authority': 'ca.pem' } },
        ],
        users: [{ name: 'u', user: user(api, folder) }],
      }),
    )
    const config = await loadKubeConfig({ kubeconfig: path, env: {}, clock: systemClock })
    const client = createKubeClient(config, { clock: systemClock })
    t.teardown(() => client.close())
    t.equal(client.namespace, 'here')
    t.equal(failureOf(await client.list(nodes)), 'success')
  })
}

t.test('a token in a kubeconfig that was rotated is read again after 401', async (t) => {
  const api = await startApi(t)
  const folder = newFolder()
  const kubeconfig = await api.kubeconfigFile(folder)
  const config = await loadKubeConfig({ kubeconfig, env: {}, clock: systemClock })
  const client = createKubeClient(config, { clock: systemClock })
  t.teardown(() => client.close())
  t.equal(failureOf(await client.list(nodes)), 'success')
  api.setToken('next')
  t.equal(failureOf(await client.list(nodes)), '401 Unauthorized')
  await api.kubeconfigFile(folder)
  t.equal(failureOf(await client.list(nodes)), 'success')
})

const broken = [
  { why: 'missing', text: undefined },
  { why: 'no YAML', text: 'a: [' },
  { why: 'no kubeconfig', text: '[]' },
  { why: 'without a context', text: '{}' },
]

for (const { why, text } of broken) {
  t.test(`a kubeconfig that cannot be used is a ConfigError that names it: ${why}`, async (t) => {
    const path = join(newFolder(), 'config')
    if (text !== undefined) writeFileSync(path, text)
    const load = loadKubeConfig({ kubeconfig: path, env: {}, clock: systemClock })
    await t.rejects(load, { name: 'ConfigError' })
    const error: unknown = await load.catch((reason: unknown) => reason)
    t.ok(error instanceof ConfigError && error.message.includes(path))
  })
}
