// Where may the keys of tokens come from? The real program, with key servers inside and outside of what it knows.
import { readFileSync } from 'node:fs'
import { createServer as createTls, type ServerOptions } from 'node:https'
import type { Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { fetchTextAt } from '../../proxy/control/resolvers/fetch-text.ts'
import { followKeySet } from '../../proxy/control/resolvers/key-sets.ts'
import type { Log } from '../../shared/log.ts'
import type { Endpoint, Upstream } from '../../shared/routing/table.ts'
import { refOf } from '../../shared/routing/upstreams/backend-ref.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { response } from '../exchange/pair.ts'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const keySet = JSON.stringify({
  keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }],
})
const token = await new SignJWT({ sub: 'ann' })
  .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
  .setExpirationTime('10m')
  .sign(privateKey)

const tls = new URL('../../shared/testing/tls/', import.meta.url)
const file = (name: string) => readFileSync(new URL(name, tls))

async function listen(t: Test, server: Server) {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const at = server.address()
  return typeof at === 'object' ? (at?.port ?? 0) : 0
}

/** A key server with TLS, and how often it was asked. */
async function startTls(t: Test, options: ServerOptions) {
  const asked: string[] = []
  const server = createTls(options, ({ url = '' }, answer) => {
    asked.push(url)
    answer.writeHead(200, { Connection: 'close' }).end(keySet)
  })
  return { asked, port: await listen(t, server) }
}

async function stage(t: Test) {
  const web = await startEcho('web')
  const secret = await startScripted({ onRequest: () => response('200 OK', keySet) })
  const keys = await startScripted({
    onRequest: ({ target }) =>
      target.startsWith('/moved')
        ? response('302 Found', '', `Location: http://127.0.0.1:${secret.port}/moved`)
        : response('200 OK', keySet),
  })
  const good = await startTls(t, { key: file('first-server.key'), cert: file('first-server.pem') })
  const bad = await startTls(t, { key: file('second-server.key'), cert: file('second-server.pem') })
  const urls: Record<string, string> = {
    own: 'http://keys.default.svc.cluster.local/own?v=1',
    foreign: 'http://keys.login.svc.cluster.local/foreign',
    allowed: 'http://keys.team.svc.cluster.local/allowed',
    host: `http://localhost:${keys.port}/host`,
    tls: `https://localhost:${good.port}/tls`,
    stranger: `https://localhost:${bad.port}/stranger`,
    outside: `http://127.0.0.1:${secret.port}/outside`,
    moved: `http://localhost:${keys.port}/moved`,
    metadata: 'http://169.254.169.254/latest/meta-data/',
    link: 'http://link.default.svc/',
    named: 'http://named.default.svc/',
    secure: 'https://keys.default.svc/keys',
    text: 'keys.example.com',
  }
  const ingresses = Object.entries(urls).map(([name, url]) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], { 'weir.dev/jwt-keys': url }),
  )
  const folder = createManifestFolder([
    ...ingresses,
    ...serviceOf('web', [web]),
    ...serviceOf('keys', [keys]),
    ...serviceOf('link', [{ address: '169.254.169.254', port: 80 }]),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'named', namespace: 'default' },
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: secret.port }] },
    },
    ...serviceOf('keys', [keys], 'login'),
    ...serviceOf('keys', [keys], 'team'),
  ])
  const origins = [
    `http://localhost:${keys.port}`,
    `https://localhost:${good.port}`,
    `https://localhost:${bad.port}`,
    'http://*.team.svc.cluster.local',
  ]
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--auth-urls', origins.join(',')],
    env: { NODE_EXTRA_CA_CERTS: fileURLToPath(new URL('first-ca.pem', tls)) },
  })
  t.teardown(async () => {
    await proxy.stop()
    for (const each of [web, keys, secret]) await each.close()
    folder.dispose()
  })
  const get = (name: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${name}.test`, fields })
  const bearer = `Authorization: Bearer ${token}`
  return { get: (name: string) => get(name, bearer), proxy, keys, secret, good, bad }
}

const outcomes = [
  { name: 'own', status: 200, why: 'a Service of the namespace by its DNS name' },
  { name: 'allowed', status: 200, why: 'a Service of another namespace that is allowed' },
  { name: 'host', status: 200, why: 'a host that is allowed' },
  { name: 'tls', status: 200, why: 'with TLS and a good certificate' },
  { name: 'foreign', status: 503, why: 'a Service of another namespace that nobody allowed' },
  { name: 'stranger', status: 503, why: 'a certificate that nobody trusts' },
  { name: 'outside', status: 503, why: 'a host that nobody allowed' },
  { name: 'moved', status: 503, why: 'sent to a host that nobody allowed' },
  { name: 'metadata', status: 503, why: 'the metadata service' },
  { name: 'link', status: 503, why: 'the metadata service as an endpoint of the own Service' },
  { name: 'named', status: 503, why: 'a host that --external-names does not allow' },
  { name: 'secure', status: 503, why: 'Services are spoken to without TLS' },
  { name: 'text', status: 503, why: 'no URL' },
]

t.test('keys come from where the operator allows', async (t) => {
  const { get, proxy, keys, secret, good, bad } = await stage(t)
  for (const { name, status, why } of outcomes) {
    const wanted = (answer: { readonly status: number }) => answer.status === status
    const answer = status === 200 ? await until(name, () => get(name), wanted) : await get(name)
    t.equal(answer.status, status, `${name}: ${why}`)
  }
  await eventually('the one that redirects was asked', () =>
    keys.requests.some(({ target }) => target === '/moved'),
  )
  const asked = keys.requests.find(({ target }) => target === '/own?v=1')
  t.ok(asked, 'path and query are asked for')
  t.match(Object.fromEntries(asked?.fields ?? []), { Host: 'keys.default.svc.cluster.local' })
  t.notOk(keys.requests.some(({ target }) => target === '/foreign'))
  t.equal(secret.requests.length, 0, 'who was not allowed was never asked')
  t.same([good.asked, bad.asked], [['/tls'], []], 'nothing is sent before the certificate is good')

  const problems = await until(
    'the problems',
    () => problemsOf(proxy.adminPort),
    (found) => found.some(({ name, reason }) => name === 'moved' && reason === 'asset-missing'),
  )
  const of = (name: string) => problems.filter((problem) => problem.name === name)
  for (const name of ['foreign', 'outside', 'metadata']) {
    t.match(of(name), [
      {
        reason: 'auth-url-refused',
        kind: 'Ingress',
        field: 'metadata.annotations',
        remedy: /--auth-urls/,
      },
    ])
    t.equal(of(name).length, 1, `${name}: said once`)
  }
  t.match(of('link'), [{ reason: 'asset-missing', message: /default\/link:80\// }])
  t.match(of('secure'), [{ reason: 'invalid-annotation', message: /plain HTTP/ }])
  t.match(of('text'), [{ reason: 'invalid-annotation', message: /no http or https URL/ }])
  for (const name of ['own', 'allowed', 'host', 'tls']) t.same(of(name), [])
})

const source = {
  service: refOf({ namespace: 'd', service: 's', port: 80 }),
  authority: 'h',
  path: '/',
}

t.test('what is no answer gives no text', async (t) => {
  const cases = [
    { answer: response('204 No Content', ''), why: 'nothing in it', error: /204/ },
    { answer: response('302 Found', '', 'Location: /'), why: 'a redirect', error: /302/ },
    { answer: response('200 OK', 'x'.repeat(1_100_000)), why: 'too long', error: /too long/ },
    { answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort', why: 'cut', error: /aborted/ },
  ]
  for (const { answer, why, error } of cases) {
    const server = await startScripted({
      onRequest: (_, side) => {
        side.send(answer)
        side.socket.end()
        return undefined
      },
    })
    await t.rejects(fetchTextAt(server, source), { message: error }, why)
    await server.close()
  }
  const metadata = { address: '169.254.169.254', port: 80 }
  await t.rejects(fetchTextAt(metadata, source), { message: /address of a link/ })
})

t.test('a key set is asked for at its endpoints, again and again', async (t) => {
  const clock = new ManualClock()
  const ignore = () => undefined
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log }
  const got: (string | undefined)[] = []
  const asked: string[] = []
  const texts: Record<string, string> = {}
  let upstream: Upstream | undefined
  const options = {
    clock,
    log,
    upstreamOf: () => upstream,
    fetchAt: async ({ address }: Endpoint) => {
      asked.push(address)
      return texts[address] ?? Promise.reject(new Error('refused'))
    },
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const pass = (ms: number) => {
    clock.advance(ms)
    return settle()
  }
  const endpoints = ['a', 'b', 'c', 'd'].map((address) => ({ address, port: 80 }))
  const followed = followKeySet(options, source, (keys) => got.push(keys))
  await settle()
  t.same([asked, got], [[], [undefined]], 'no upstream: nobody is asked')

  upstream = { key: 'd/s:80', endpoints }
  followed.noteUpstream()
  await settle()
  t.same(asked, ['a', 'b', 'c'], 'endpoints come: asked at once, three at most')
  texts.b = 'one'
  await pass(4_000)
  t.same(got, [undefined, undefined, 'one'], 'the next one is asked when one fails')
  followed.noteUpstream()
  await settle()
  t.equal(asked.length, 5, 'with keys a change of endpoints is no reason to ask')
  delete texts.b
  await pass(300_000)
  t.equal(asked.length, 8)
  texts.a = 'two'
  await pass(1_999)
  t.equal(asked.length, 8)
  await pass(1)
  t.same(got.slice(3), ['two'], 'a failure keeps the last ones, and is mended soon')
  followed.cancel()
  await pass(600_000)
  t.equal(asked.length, 9, 'cancelled, nothing is asked')
})
