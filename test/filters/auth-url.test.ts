// Requests are asked about at a URL: the real program, with auth servers inside and outside of what it knows, plain and with TLS.
import { readFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { response } from '../exchange/pair.ts'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

const tls = new URL('../../shared/testing/tls/', import.meta.url)
const file = (name: string) => readFileSync(new URL(name, tls))
// Of localhost and 127.0.0.1 both; only the authority of the first is trusted.
const trusted = { key: file('first-server.key'), cert: file('first-server.pem') }
const stranger = { key: file('second-server.key'), cert: file('second-server.pem') }

async function listen(server: TcpServer, address: string) {
  await new Promise<void>((resolve) => void server.listen(0, address, resolve))
  const at = server.address()
  return typeof at === 'object' ? (at?.port ?? 0) : 0
}

/** An auth server with TLS: what it was asked, and a port. */
async function startTls(t: Test, options: ServerOptions, address = '127.0.0.1') {
  const asked: string[] = []
  const server = createServer(options, (request, answer) => {
    asked.push(`${request.headers.host} ${request.url}`)
    const isLong = request.headers['x-long'] !== undefined
    if (isLong) answer.writeHead(403).end('x'.repeat(60_000))
    else answer.writeHead(200, { 'X-User': 'ann' }).end()
  })
  const port = await listen(server, address)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, port }
}

async function stage(t: Test) {
  const web = await startEcho('web')
  const auth = await startScripted({
    onRequest: (request) =>
      response(request.target === '/no' ? '403 Forbidden' : '200 OK', '', 'X-User: ann'),
  })
  const mute = await startScripted({})
  const silent = createTcpServer()
  const silentPort = await listen(silent, '127.0.0.1')
  const good = await startTls(t, trusted)
  const bad = await startTls(t, stranger)
  const misnamed = await startTls(t, trusted, '127.0.0.2')
  const open: { destroy(): void }[] = []
  silent.on('connection', (socket) => void open.push(socket))
  const cases: Record<string, Record<string, string>> = {
    own: { url: 'http://auth.default.svc.cluster.local/v?x' },
    short: { url: 'http://auth.default.svc:80/v' },
    no: { url: 'http://auth.default.svc/no' },
    foreign: { url: 'http://auth.login.svc.cluster.local/v' },
    allowed: { url: 'http://auth.team.svc.cluster.local/v' },
    gone: { url: 'http://gone.team.svc.cluster.local/v' },
    host: { url: `http://localhost:${auth.port}/v` },
    address: { url: `http://127.0.0.1:${auth.port}/v` },
    outside: { url: `http://127.0.0.3:${auth.port}/v` },
    metadata: { url: 'http://169.254.169.254/latest/meta-data/' },
    unknown: { url: 'http://nowhere.invalid/v' },
    mute: { url: `http://localhost:${mute.port}/v`, timeout: '300ms' },
    tls: { url: `https://localhost:${good.port}/v` },
    stranger: { url: `https://localhost:${bad.port}/v` },
    misnamed: { url: `https://127.0.0.2:${misnamed.port}/v` },
    silent: { url: `https://localhost:${silentPort}/v`, timeout: '300ms' },
    two: { service: 'auth:80', url: 'http://auth.default.svc/v' },
    secure: { url: 'https://auth.default.svc.cluster.local/v' },
    text: { url: 'auth.example.com' },
  }
  const ingresses = Object.entries(cases).map(([name, parts]) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], {
      'weir.dev/auth-upstream-headers': 'X-User',
      ...Object.fromEntries(
        Object.entries(parts).map(([key, value]) => [`weir.dev/auth-${key}`, value]),
      ),
    }),
  )
  const folder = createManifestFolder([
    ...ingresses,
    ...serviceOf('web', [web]),
    ...serviceOf('auth', [auth]),
    ...serviceOf('auth', [auth], 'login'),
    ...serviceOf('auth', [auth], 'team'),
  ])
  const origins = [
    `http://localhost:${auth.port}`,
    `http://127.0.0.1:${auth.port}`,
    `http://localhost:${mute.port}`,
    `https://localhost:${good.port}`,
    `https://localhost:${bad.port}`,
    `https://127.0.0.2:${misnamed.port}`,
    `https://localhost:${silentPort}`,
    'http://*.team.svc.cluster.local',
    'http://nowhere.invalid',
  ]
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--auth-urls', origins.join(',')],
    env: { NODE_EXTRA_CA_CERTS: fileURLToPath(new URL('first-ca.pem', tls)) },
  })
  t.teardown(async () => {
    await proxy.stop()
    for (const socket of open) socket.destroy()
    silent.close()
    for (const each of [web, auth, mute]) await each.close()
    folder.dispose()
  })
  const get = (name: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${name}.test`, path: '/x?y', fields })
  // Names are looked up when the first table is there.
  for (const name of ['host', 'tls']) {
    await until(
      name,
      () => get(name),
      (answer) => answer.status === 200,
    )
  }
  return { get, proxy, web, auth, good, bad, misnamed }
}

const outcomes = [
  { name: 'own', status: 200, why: 'a Service of the namespace by its DNS name' },
  { name: 'short', status: 200, why: 'and by the shorter one' },
  { name: 'no', status: 403, why: 'its no goes to the client' },
  { name: 'foreign', status: 503, why: 'a Service of another namespace that nobody allowed' },
  { name: 'allowed', status: 200, why: 'a Service of another namespace that is allowed' },
  { name: 'gone', status: 503, why: 'there is no such Service' },
  { name: 'host', status: 200, why: 'a host that is looked up' },
  { name: 'address', status: 200, why: 'an address' },
  { name: 'outside', status: 503, why: 'an address that nobody allowed' },
  { name: 'metadata', status: 503, why: 'the metadata service' },
  { name: 'unknown', status: 503, why: 'DNS does not know it' },
  { name: 'mute', status: 503, why: 'no answer in time is a no' },
  { name: 'tls', status: 200, why: 'with TLS and a good certificate' },
  { name: 'stranger', status: 503, why: 'a certificate that nobody trusts' },
  { name: 'misnamed', status: 503, why: 'a certificate of another name' },
  { name: 'silent', status: 503, why: 'a handshake that does not end' },
  { name: 'two', status: 503, why: 'two places to ask' },
  { name: 'secure', status: 503, why: 'Services are spoken to without TLS' },
  { name: 'text', status: 503, why: 'no URL' },
]

t.test('requests are asked about at a URL', async (t) => {
  const { get, proxy, web, auth, good, bad, misnamed } = await stage(t)
  for (const { name, status, why } of outcomes) {
    const before = web.requests.length
    const answer = await get(name, 'X-User: root')
    t.equal(answer.status, status, `${name}: ${why}`)
    t.equal(web.requests.length - before, status === 200 ? 1 : 0, `${name}: what the web sees`)
    if (status !== 200) continue
    const { headers = [] } = web.requests.at(-1) ?? {}
    const at = headers.findIndex((text) => text.toLowerCase() === 'x-user')
    t.equal(headers[at + 1], 'ann', `${name}: the word of the server goes upstream`)
  }
  t.same([bad.asked, misnamed.asked], [[], []], 'nothing is sent before the certificate is good')

  await get('own', 'Cookie: c=1')
  const asked = auth.requests.at(-1)
  t.equal(asked?.target, '/v?x')
  const fields = Object.fromEntries(
    asked?.fields.map(([name, value]) => [name.toLowerCase(), value]) ?? [],
  )
  t.match(fields, {
    host: 'auth.default.svc.cluster.local',
    cookie: 'c=1',
    'x-original-url': 'http://own.test/x?y',
  })
  t.equal(good.asked.at(-1), `localhost:${good.port} /v`)

  const long = await get('tls', 'X-Long: 1')
  t.equal(long.status, 403)
  t.equal(long.body, 'x'.repeat(60_000), 'a long answer over TLS arrives whole')
  t.same(fieldsOf(long, 'x-user'), [])

  const problems = await problemsOf(proxy.adminPort)
  const of = (name: string) => problems.find((problem) => problem.name === name)
  for (const name of ['foreign', 'outside', 'metadata']) {
    t.match(of(name), {
      reason: 'auth-url-refused',
      kind: 'Ingress',
      field: 'metadata.annotations',
      remedy: /--auth-urls/,
    })
  }
  t.match(of('http://nowhere.invalid:80'), { reason: 'external-name-unresolved' })
  t.match(of('gone'), { reason: 'service-missing' })
  for (const [name, message] of [
    ['two', /second place/],
    ['secure', /plain HTTP/],
    ['text', /no http or https URL/],
  ] as const) {
    t.match(of(name), { reason: 'invalid-annotation', message })
  }
  t.notOk(of('own'))
  t.notOk(of('allowed'))
})
