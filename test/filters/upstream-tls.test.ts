// Are endpoints spoken to with TLS where an Ingress says so, and are they who they should be? The real program, real certificates.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { pem } from '../support/tls.ts'

const file = (name: string) =>
  readFileSync(new URL(`../../shared/testing/tls/${name}`, import.meta.url), 'utf8')
const first = {
  cert: file('first-server.pem'),
  key: file('first-server.key'),
  ca: file('first-ca.pem'),
}

/** Answers with what it saw of TLS: the name that was sent, and the subject of the client's certificate. */
async function startTls(t: Test) {
  const server = createServer({
    ...{ cert: first.cert, key: first.key, ca: first.ca },
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('request', (request, response) => {
    const socket = request.socket as TLSSocket & { readonly servername?: string | false }
    const { subject } = socket.getPeerCertificate()
    const body = JSON.stringify({
      sni: socket.servername || '',
      client: subject?.CN ?? '',
      version: socket.getProtocol(),
    })
    response.end(body)
  })
  let connections = 0
  server.on('secureConnection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { address: '127.0.0.1', port, connections: () => connections }
}

const secretOf = (name: string, stringData: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default' },
  stringData,
})

const configMapOf = (name: string, data: Readonly<Record<string, string>>) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
  data,
})

const otherKey = pem('b-ecdsa.key')
const secret = { 'proxy-ssl-secret': 'default/inner' }
const verified = { ...secret, 'proxy-ssl-verify': 'on' }
const rows: {
  name: string
  asks: Readonly<Record<string, string>>
  status: number
  body?: object
  problem?: RegExp
  /** Keys of Weir's own instead. */
  isOwn?: true
  why: string
}[] = [
  {
    name: 'plain',
    asks: {},
    status: 200,
    body: { sni: '', client: '', version: 'TLSv1.3' },
    why: 'nothing is verified by default, and no name sent',
  },
  {
    name: 'pair',
    asks: secret,
    status: 200,
    body: { client: 'weir test API server' },
    why: 'the Secret’s certificate is shown',
  },
  {
    name: 'verified',
    asks: { ...verified, 'proxy-ssl-name': 'localhost', 'proxy-ssl-server-name': 'on' },
    status: 200,
    body: { sni: 'localhost' },
    why: 'the right authority and name',
  },
  {
    name: 'misnamed',
    asks: { ...verified, 'proxy-ssl-name': 'other.test' },
    status: 502,
    why: 'another name',
  },
  {
    name: 'unnamed',
    asks: verified,
    status: 502,
    why: 'the name of the Service, which the certificate has not',
  },
  {
    name: 'stranger',
    asks: {
      'proxy-ssl-secret': 'default/second',
      'proxy-ssl-verify': 'on',
      'proxy-ssl-name': 'localhost',
    },
    status: 502,
    why: 'another authority',
  },
  {
    name: 'pairless',
    asks: { 'proxy-ssl-secret': 'default/no-ca', 'proxy-ssl-verify': 'on' },
    status: 503,
    why: 'nothing to verify by',
  },
  { name: 'missing', asks: { 'proxy-ssl-secret': 'default/none' }, status: 503, why: 'no Secret' },
  {
    name: 'foreign',
    asks: { 'proxy-ssl-secret': 'other/inner' },
    status: 503,
    problem: /another namespace/,
    why: 'a Secret of others',
  },
  {
    name: 'old',
    asks: { ...secret, 'proxy-ssl-protocols': 'TLSv1.2', 'proxy-ssl-ciphers': 'HIGH:!aNULL' },
    status: 200,
    body: { version: 'TLSv1.2' },
    why: 'an older version',
  },
  {
    name: 'ciphers',
    asks: { ...secret, 'proxy-ssl-ciphers': 'nonsense' },
    status: 502,
    why: 'ciphers that are none trust nobody',
  },
  {
    name: 'alone',
    asks: { 'proxy-ssl-server-name': 'on' },
    status: 200,
    body: { sni: '' },
    problem: /no effect without proxy-ssl-secret/,
    why: 'ingress-nginx reads nothing else without a Secret',
  },
  {
    name: 'auto',
    asks: { 'backend-protocol': 'AUTO_HTTP' },
    status: 502,
    why: 'plain, as the client',
  },
  {
    name: 'odd',
    asks: { 'backend-protocol': 'HTTP3' },
    status: 502,
    problem: /spoken to in HTTP/,
    why: 'what is no protocol is HTTP',
  },
  {
    name: 'own-ca',
    isOwn: true,
    asks: { 'backend-ca': 'inner', 'backend-server-name': 'localhost' },
    status: 200,
    body: { sni: 'localhost', client: '' },
    why: 'the authority of a Secret, and nothing is shown',
  },
  {
    name: 'own-map',
    isOwn: true,
    asks: {
      'backend-protocol': 'https',
      'backend-ca': 'configmap/trust',
      'backend-server-name': 'localhost',
      'backend-client-cert': 'inner',
    },
    status: 200,
    body: { sni: 'localhost', client: 'weir test API server' },
    why: 'the authority of a ConfigMap, and a certificate that is shown',
  },
  {
    name: 'own-misnamed',
    isOwn: true,
    asks: { 'backend-ca': 'inner' },
    status: 502,
    why: 'the name of the Service, which the certificate has not',
  },
  {
    name: 'own-stranger',
    isOwn: true,
    asks: { 'backend-ca': 'second', 'backend-server-name': 'localhost' },
    status: 502,
    why: 'another authority',
  },
  {
    name: 'own-known',
    isOwn: true,
    asks: { 'backend-server-name': 'localhost', 'backend-client-cert': 'inner' },
    status: 502,
    why: 'nobody whom Node trusts has issued it: ca.crt beside what is shown does not count',
  },
  {
    name: 'own-unverified',
    isOwn: true,
    asks: { 'backend-ca': 'missing', 'backend-verify': 'off' },
    status: 200,
    body: { sni: 'web.default.svc' },
    problem: /leaves endpoints unverified/,
    why: 'asked for in as many words, and said',
  },
  {
    name: 'own-garbage',
    isOwn: true,
    asks: { 'backend-ca': 'configmap/garbage', 'backend-server-name': 'localhost' },
    status: 503,
    problem: /its ca\.crt holds no certificates that can be read/,
    why: 'no authority can be read',
  },
  {
    name: 'own-misfit',
    isOwn: true,
    asks: { 'backend-verify': 'off', 'backend-client-cert': 'misfit' },
    status: 503,
    problem: /leaves endpoints unverified|do not fit each other/,
    why: 'a pair that is none',
  },
  {
    name: 'own-clear',
    isOwn: true,
    asks: { 'backend-protocol': 'http', 'backend-ca': 'inner' },
    status: 503,
    problem: /needs TLS to the endpoints/,
    why: 'verified, and in clear: one of the two is a mistake',
  },
  {
    name: 'own-bad-name',
    isOwn: true,
    asks: { 'backend-server-name': 'not a name' },
    status: 503,
    problem: /must be a DNS name/,
    why: 'what protects and is not understood closes',
  },
  {
    name: 'garbage',
    asks: { 'proxy-ssl-secret': 'default/garbage', 'proxy-ssl-verify': 'on' },
    status: 503,
    problem: /its ca\.crt holds no certificates that can be read/,
    why: 'an authority that cannot be read, by the keys of ingress-nginx',
  },
  {
    name: 'grpc',
    asks: { 'backend-protocol': 'grpcs' },
    status: 502,
    why: 'an endpoint that does not speak HTTP/2 over TLS',
  },
]

t.test('TLS to endpoints', async (t) => {
  const web = await startTls(t)
  const site = (name: string, asks: Readonly<Record<string, string>>, isOwn = false) => {
    const all = isOwn ? asks : { 'backend-protocol': ' https ', ...asks }
    const prefix = isOwn ? 'weir.dev' : 'nginx.ingress.kubernetes.io'
    const keys = Object.entries(all).map(([key, value]) => [`${prefix}/${key}`, value])
    return ingressOf(name, [{ host: `${name}.test`, service: 'web' }], Object.fromEntries(keys))
  }
  const pair = { 'tls.crt': first.cert, 'tls.key': first.key }
  const folder = createManifestFolder([
    ...rows.map(({ name, asks, isOwn }) => site(name, asks, isOwn)),
    secretOf('inner', { ...pair, 'ca.crt': first.ca }),
    secretOf('second', { 'ca.crt': file('second-ca.pem') }),
    secretOf('no-ca', pair),
    secretOf('garbage', { 'ca.crt': 'no PEM' }),
    secretOf('misfit', { ...pair, 'tls.key': otherKey }),
    configMapOf('trust', { 'ca.crt': first.ca }),
    configMapOf('garbage', { 'ca.crt': 'no PEM' }),
    ...serviceOf('web', [web]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, '--retries', '0'] })
  t.teardown(async () => {
    await proxy.stop()
    folder.dispose()
  })
  for (const { name, status, body, why } of rows) {
    await t.test(`${name}: ${why}`, async (t) => {
      const answer = await ask(proxy.port, { host: `${name}.test` })
      t.equal(answer.status, status, answer.body)
      if (body !== undefined) t.match(JSON.parse(answer.body), body)
    })
  }
  const problems = await problemsOf(proxy.adminPort)
  for (const { name, problem } of rows) {
    const own = problems.filter((each) => each.name === name && each.reason !== 'asset-missing')
    t.match(own, problem === undefined ? [] : [{ message: problem }], name)
  }

  await t.test('connections are kept, and none is shared with who proved less', async (t) => {
    const before = web.connections()
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        ['plain', 'pair'].map((name) => ask(proxy.port, { host: `${name}.test` })),
      )
      t.match(
        answers.map(({ body }) => JSON.parse(body).client),
        ['', 'weir test API server'],
      )
    }
    t.equal(web.connections(), before)
  })

  await t.test('a Secret that comes opens the route, one that goes closes it', async (t) => {
    const get = () => ask(proxy.port, { host: 'missing.test' })
    folder.write('secret.json', [secretOf('none', { 'ca.crt': first.ca })])
    await until('open', get, ({ status }) => status === 200)
    folder.remove('secret.json')
    const closed = await until('closed', get, ({ status }) => status === 503)
    t.match(closed.body, /policy-closed/)
    t.same(fieldsOf(closed, 'Server'), ['weir'])
  })
})
