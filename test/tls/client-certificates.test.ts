// Whom does a host let in by certificate, and on which connections may it be asked? Clients of node:tls with certificates that are
// good, expired, revoked, of another authority, or with none.
import { once } from 'node:events'
import { connect } from 'node:http2'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import type { RouteSketch } from '../../shared/routing/testing/route.ts'
import { type InProcess, startInProcess, type TableSketch } from '../support/in-process.ts'
import { RawClient, requestOnce } from '../support/raw-client.ts'
import { ca, pem, tlsEntries } from '../support/tls.ts'
import { type EchoUpstream, echoFields, readEcho, startEcho } from '../support/upstream.ts'

const flags = ['--listen-tls', '127.0.0.1:0', '--default-certificate', 'default/other']
const clients = { 'ca.crt': ca }
const withCrl = { ...clients, 'ca.crl': pem('ca.crl') }

const check = (more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ kind: 'client-certificate', secret: 'default/clients', verify: 'on', depth: 1 },
  ...{ subject: '', errorPage: '', nginxFields: 'facts', standardFields: false },
  ...more,
})

async function start(t: Test, table: TableSketch): Promise<InProcess & { echo: EchoUpstream }> {
  const echo = await startEcho('web')
  t.teardown(() => echo.close())
  const proxy = await startInProcess({ endpoints: { web: [echo] }, certificates, ...table, flags })
  t.teardown(() => proxy.close())
  for (const [name, file] of Object.entries(shown)) {
    proxy.plane.setCertificate(`default/${name}`, tlsEntries(file))
  }
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, withCrl)
  proxy.plane.setAsset(
    { kind: 'secret', name: 'default/others' },
    { 'ca.crt': pem('other-ca.crt') },
  )
  return Object.assign(proxy, { echo })
}

const shown = { a: 'a-ecdsa', wild: 'wild-ecdsa', other: 'b-ecdsa' }
const certificates = { 'a.test': ['default/a'], '*.wild.test': ['default/wild'] }

/** What a client has to show. */
function identity(name: string | undefined): { readonly cert?: string; readonly key?: string } {
  return name === undefined
    ? {}
    : { cert: pem(`client-${name}.crt`), key: pem(`client-${name}.key`) }
}

async function open(proxy: InProcess, options: tls.ConnectionOptions): Promise<RawClient> {
  const socket = tls.connect({
    ...{ port: proxy.tlsPort, host: '127.0.0.1', ca, rejectUnauthorized: false },
    ...options,
  })
  await once(socket, 'secureConnect')
  return new RawClient(socket)
}

const head = (host: string, fields = '') => `GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`

/** Asks once on a connection of its own. */
async function ask(
  proxy: InProcess,
  options: tls.ConnectionOptions,
  host = options.servername ?? 'a.test',
  fields = '',
) {
  const client = await open(proxy, options)
  const response = await client.request(head(host, fields))
  client.close()
  return response
}

const rows = [
  { client: 'good', on: 200, optional: 200, 'optional-no-ca': 200, verify: 'SUCCESS' },
  { client: undefined, on: 400, optional: 200, 'optional-no-ca': 200, verify: 'NONE' },
  { client: 'expired', on: 400, optional: 400, 'optional-no-ca': 400 },
  { client: 'revoked', on: 400, optional: 400, 'optional-no-ca': 400 },
  {
    client: 'other',
    ...{ on: 400, optional: 400, 'optional-no-ca': 200 },
    verify: 'FAILED:unable to verify the first certificate',
  },
] as const

t.test('who comes in', async (t) => {
  for (const verify of ['on', 'optional', 'optional-no-ca'] as const) {
    const proxy = await start(t, { routes: [{ filters: [check({ verify })] }] })
    for (const row of rows) {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const options = { servername: 'a.test', minVersion: version, maxVersion: version }
        const response = await ask(proxy, { ...options, ...identity(row.client) })
        const why = `${row.client ?? 'no certificate'}, ${verify}, ${version}`
        t.equal(response.status, row[verify], why)
        if (response.status !== 200 || !('verify' in row)) continue
        const echo = readEcho(response.body)
        t.same(echoFields(echo, 'ssl-client-verify'), [row.verify], why)
      }
    }
    t.match(
      proxy.log().filter(({ status }) => status === 400),
      [{ error: /^client-certificate-re(quired|fused)$/ }],
    )
  }
})

t.test('endpoints hear of the certificate, and never of what clients say themselves', async (t) => {
  const filters = [check({ nginxFields: 'all', standardFields: true })]
  const proxy = await start(t, { routes: [{ filters }] })
  const lies = 'ssl-client-verify: x\r\nClient-Cert-Chain: :AA==:\r\nSSL-Client-Cert: y\r\n'
  const response = await ask(proxy, { servername: 'a.test', ...identity('good') }, 'a.test', lies)
  const echo = readEcho(response.body)
  const [escaped = ''] = echoFields(echo, 'ssl-client-cert')
  t.equal(decodeURIComponent(escaped), pem('client-good.crt'))
  t.same(echoFields(echo, 'ssl-client-verify'), ['SUCCESS'])
  t.same(echoFields(echo, 'ssl-client-subject-dn'), ['OU=good,O=weir,CN=client-good'])
  t.same(echoFields(echo, 'ssl-client-issuer-dn'), ['CN=weir-test-ca'])
  const [der = ''] = echoFields(echo, 'client-cert')
  t.match(der, /^:[A-Za-z0-9+/=]+:$/)
  t.ok(pem('client-good.crt').replace(/\s/g, '').includes(der.slice(1, -1)))
  t.same(echoFields(echo, 'client-cert-chain'), [], 'the authority itself is not sent')
})

t.test('without the list of revoked certificates they are good', async (t) => {
  const proxy = await start(t, { routes: [{ filters: [check()] }] })
  const revoked = { servername: 'a.test', ...identity('revoked') }
  t.equal((await ask(proxy, revoked)).status, 400)
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, clients)
  t.equal((await ask(proxy, revoked)).status, 200, 'a new Secret counts for the next connection')
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, undefined)
  t.equal((await ask(proxy, revoked)).status, 503, 'without a Secret nobody comes in')
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, { 'ca.crt': 'no PEM' })
  t.not((await ask(proxy, revoked)).status, 200, 'nor with one that holds no authority')
})

t.test('through an intermediate', async (t) => {
  const proxy = await start(t, {
    routes: [{ filters: [check()] }, { host: 'x.wild.test', filters: [check({ depth: 0 })] }],
  })
  const both = identity('chained')
  const [leaf = ''] = both.cert?.split(/(?<=-----END CERTIFICATE-----\n)/) ?? []
  t.ok(both.cert?.startsWith(leaf) && both.cert.length > leaf.length, 'the file holds two')
  const shows = (cert: string | undefined, servername = 'a.test') =>
    ask(proxy, { servername, ...both, ...(cert !== undefined && { cert }) })
  t.equal((await shows(both.cert)).status, 400, 'with ca.crl each authority needs a list')
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, clients)
  t.equal((await shows(both.cert)).status, 200, 'the client sends what is between')
  t.equal((await shows(leaf)).status, 400, 'or nobody knows who issued it')
  t.equal((await shows(both.cert, 'x.wild.test')).status, 400, 'a chain that is too long')
  const of = { 'ca.crt': `${ca}${pem('intermediate.crt')}` }
  proxy.plane.setAsset({ kind: 'secret', name: 'default/clients' }, of)
  t.equal((await shows(leaf)).status, 200, 'unless the Secret has the intermediate, too')
})

t.test('other hosts ask nobody', async (t) => {
  const routes: readonly RouteSketch[] = [{ filters: [check()] }, { host: 'x.wild.test' }]
  const proxy = await start(t, { routes })
  const socket = tls.connect({
    port: proxy.tlsPort,
    host: '127.0.0.1',
    servername: 'x.wild.test',
    ca,
  })
  await once(socket, 'secureConnect')
  const client = new RawClient(socket)
  t.equal((await client.request(head('x.wild.test'))).status, 200)
  client.close()
})

t.test('a certificate is never shown to be had from a session', async (t) => {
  const proxy = await start(t, {
    routes: [{ filters: [check()] }, { host: 'x.wild.test' }],
  })
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const versions = { minVersion: version, maxVersion: version }
    let session: Buffer | undefined
    for (const servername of ['a.test', 'x.wild.test']) {
      const options = { servername, ...versions, ...identity('good') }
      const client = await open(proxy, options)
      client.socket.on('session', (bytes: Buffer) => {
        session = bytes
      })
      await client.request(head(servername))
      client.close()
    }
    const bare = await open(proxy, {
      servername: 'a.test',
      ...versions,
      ...(session && { session }),
    })
    t.equal((bare.socket as tls.TLSSocket).isSessionReused(), false, version)
    t.equal((await bare.request(head('a.test'))).status, 400, 'the session of another host is none')
    bare.close()
  }
})

interface Question {
  readonly why: string
  /** Undefined: the client names none. */
  readonly sni: string | undefined
  readonly client?: string
  readonly host: string
  readonly status: number
}

const hosts: readonly RouteSketch[] = [
  { host: 'a.test' },
  { host: 'x.wild.test' },
  { host: 'y.wild.test' },
  { host: 'plain.test' },
  { host: 'more.test' },
  { host: 'm.wild.test', filters: [check()] },
  { host: 'n.wild.test', filters: [check()] },
  { host: 'o.wild.test', filters: [check({ secret: 'default/others' })] },
  { host: 'b.test' },
]

const questions: readonly Question[] = [
  { why: 'its own host', sni: 'a.test', host: 'a.test', status: 200 },
  { why: 'case and port are no matter', sni: 'a.test', host: 'A.TEST:8443', status: 200 },
  { why: 'a host that nobody serves', sni: 'a.test', host: 'none.test', status: 421 },
  { why: 'a wildcard is for both', sni: 'x.wild.test', host: 'y.wild.test', status: 200 },
  { why: 'another certificate', sni: 'a.test', host: 'x.wild.test', status: 421 },
  { why: 'a host with the default certificate', sni: 'a.test', host: 'plain.test', status: 421 },
  {
    why: 'two hosts with the default certificate',
    sni: 'plain.test',
    host: 'more.test',
    status: 200,
  },
  {
    why: 'the default certificate, and one of its own',
    sni: 'plain.test',
    host: 'a.test',
    status: 421,
  },
  { why: 'a name of the default certificate', sni: 'plain.test', host: 'b.test', status: 200 },
  { why: 'no name, any host', sni: undefined, host: 'a.test', status: 200 },
  { why: 'no name, another host', sni: undefined, host: 'x.wild.test', status: 200 },
  {
    why: 'no name, a host that verifies clients',
    sni: undefined,
    client: 'good',
    host: 'm.wild.test',
    status: 421,
  },
  {
    why: 'a host that verifies clients',
    sni: 'm.wild.test',
    client: 'good',
    host: 'm.wild.test',
    status: 200,
  },
  {
    why: 'it cannot be reached by another',
    sni: 'x.wild.test',
    client: 'good',
    host: 'm.wild.test',
    status: 421,
  },
  {
    why: 'nor the other way round',
    sni: 'm.wild.test',
    client: 'good',
    host: 'x.wild.test',
    status: 421,
  },
  {
    why: 'the same authorities',
    sni: 'm.wild.test',
    client: 'good',
    host: 'n.wild.test',
    status: 200,
  },
  {
    why: 'the same authorities, no certificate',
    sni: 'm.wild.test',
    host: 'n.wild.test',
    status: 400,
  },
  {
    why: 'other authorities',
    sni: 'm.wild.test',
    client: 'good',
    host: 'o.wild.test',
    status: 421,
  },
  {
    why: 'the other authority’s own',
    sni: 'o.wild.test',
    client: 'other',
    host: 'o.wild.test',
    status: 200,
  },
]

t.test('which hosts may be asked on a connection (RFC 9110 §15.5.20)', async (t) => {
  const proxy = await start(t, { routes: hosts })
  for (const { why, sni, client, host, status } of questions) {
    const options = { ...(sni === undefined ? {} : { servername: sni }), ...identity(client) }
    const response = await ask(proxy, options, host)
    t.equal(response.status, status, `${why}: ${sni} asked for ${host}`)
  }
  for (const { host = '' } of hosts) {
    const { status } = await requestOnce(proxy.port, head(host))
    t.not(status, 421, `the plain port knows no such thing: ${host}`)
  }
})

t.test('each request of a connection is judged, by the table of its moment', async (t) => {
  const proxy = await start(t, { routes: hosts })
  const client = await open(proxy, { servername: 'x.wild.test' })
  const statuses: number[] = []
  for (const host of ['x.wild.test', 'm.wild.test', 'y.wild.test']) {
    statuses.push((await client.request(head(host))).status)
  }
  t.same(statuses, [200, 421, 200], 'one that is misdirected costs no other')
  proxy.apply({
    routes: [{ host: 'x.wild.test', filters: [check()] }],
    endpoints: { web: [proxy.echo] },
    certificates,
  })
  t.equal(
    (await client.request(head('x.wild.test'))).status,
    421,
    'clients are verified from now on',
  )
  client.close()
  t.equal(proxy.log().filter(({ error }) => error === 'misdirected-request').length, 2)
})

t.test(
  'streams of HTTP/2 are judged one by one: hosts that share a connection share no verification',
  async (t) => {
    const proxy = await start(t, { routes: hosts })
    const session = connect('https://x.wild.test', {
      createConnection: () =>
        tls.connect({
          ...{ port: proxy.tlsPort, host: '127.0.0.1', servername: 'x.wild.test', ca },
          ALPNProtocols: ['h2'],
        }),
    })
    t.teardown(() => session.destroy())
    const status = async (authority: string) => {
      const stream = session.request({ ':authority': authority, ':path': '/' })
      const [headers] = await once(stream, 'response')
      stream.resume()
      await once(stream, 'close')
      return headers[':status']
    }
    const asked = ['x.wild.test', 'm.wild.test', 'y.wild.test', 'a.test']
    t.same(await Promise.all(asked.map(status)), [200, 421, 200, 421])
  },
)

t.test('over plain http there is no certificate to show', async (t) => {
  const proxy = await start(t, {
    routes: [
      { host: 'a.test', filters: [check()] },
      { host: 'o.test', filters: [check({ verify: 'optional' })] },
    ],
  })
  const lies = 'ssl-client-verify: SUCCESS\r\nClient-Cert: :AA==:\r\n'
  t.equal((await requestOnce(proxy.port, head('a.test', lies))).status, 400)
  const { status, body } = await requestOnce(proxy.port, head('o.test', lies))
  t.equal(status, 200)
  t.same(echoFields(readEcho(body), 'ssl-client-verify'), [])
  t.same(echoFields(readEcho(body), 'client-cert'), [])
})
