// Do filters work from an Ingress's annotations to the wire? The real program, with Ingresses, Services and Secrets in manifests.
import t from 'tap'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

const basic = `Authorization: Basic ${Buffer.from('bob:pw').toString('base64')}`
const secretOf = (name: string, data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default' },
  stringData: data,
})

t.test('filters by annotation', async (t) => {
  const web = await startEcho('web')
  const auth = await startScripted({
    onRequest: () => 'HTTP/1.1 204 No Content\r\nX-User: ann\r\n\r\n',
  })
  const guarded = (name: string, annotations: Record<string, string>) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], annotations)
  const folder = createManifestFolder([
    guarded('basic', { 'weir.dev/basic-auth-secret': 'users' }),
    guarded('external', {
      'weir.dev/auth-service': 'auth:80',
      'weir.dev/auth-upstream-headers': 'X-User',
    }),
    guarded('cors', { 'weir.dev/cors-origins': 'https://b.test' }),
    guarded('half', { 'weir.dev/auth-path': '/verify' }),
    guarded('open', { 'weir.dev/mirror-percent': '5' }),
    ...serviceOf('web', [web]),
    ...serviceOf('auth', [auth]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    await auth.close()
    folder.dispose()
  })
  const get = (name: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${name}.test`, fields })

  t.match(await get('basic', basic), { status: 503, body: /auth-unavailable/ })
  const missing = (await problemsOf(proxy.adminPort)).filter(({ name }) => name === 'basic')
  t.match(missing, [{ reason: 'asset-missing', message: /default\/users/ }])
  folder.write('secret.json', [secretOf('users', { username: 'bob', password: 'pw' })])
  const become = (what: string, status: number) =>
    until(
      what,
      () => get('basic', basic),
      (answer) => answer.status === status,
    )
  await become('the Secret opens the route', 200)
  t.equal((await get('basic')).status, 401)
  folder.write('secret.json', [secretOf('users', { username: 'bob', password: 'new' })])
  await become('another password', 401)

  const known = await get('external', 'X-User: root')
  t.equal(known.status, 200)
  t.match(known.body, /"X-User"|"x-user","ann"/i)
  t.notMatch(known.body, /root/)
  t.same(fieldsOf(await get('cors', 'Origin: https://b.test'), 'access-control-allow-origin'), [
    'https://b.test',
  ])
  t.match(await get('half'), { status: 503, body: /policy-closed/ }, 'a guard that is not whole')
  t.equal((await get('open')).status, 200, 'what guards nothing is left out')
  const problems = await problemsOf(proxy.adminPort)
  t.match(
    problems.filter(({ name }) => name === 'half' || name === 'open'),
    [{ message: /there is no Service or URL to ask/ }, { message: /no Service to mirror to/ }],
  )
})
