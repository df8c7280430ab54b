// Which certificate, version and group does each kind of client get, and what is it told when there is none for it? A data plane in this
// process, clients of node:tls.
import { connect as connectPlain } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import t from 'tap'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { askTls, tlsEntries } from '../support/tls.ts'
import { type EchoUpstream, echoFields, startEcho } from '../support/upstream.ts'

interface Kind {
  readonly name: string
  readonly client: ConnectionOptions
  /** What is shown, and what is spoken. */
  readonly shown?: string
  readonly version?: string
  readonly group?: string
  /** The client's error code; it has no connection then. */
  readonly error?: string
  /** How the proxy counts the failure. */
  readonly counted?: string
  readonly why: string
}

const rsaOnly = 'ECDHE-RSA-AES128-GCM-SHA256'
const trusting = { rejectUnauthorized: false }

const kinds: readonly Kind[] = [
  {
    name: 'a browser of today',
    client: { servername: 'a.test' },
    shown: 'a.test EC',
    version: 'TLSv1.3',
    why: 'ECDSA goes first where both are there and the client can do both',
  },
  {
    name: 'TLS 1.2',
    client: {
      servername: 'a.test',
      maxVersion: 'TLSv1.2',
      ciphers: `ECDHE-ECDSA-AES128-GCM-SHA256:${rsaOnly}`,
    },
    shown: 'a.test EC',
    version: 'TLSv1.2',
    why: 'the order of its suites decides',
  },
  {
    name: 'TLS 1.2 with RSA only',
    client: { servername: 'a.test', maxVersion: 'TLSv1.2', ciphers: rsaOnly },
    shown: 'a.test RSA',
    version: 'TLSv1.2',
    why: 'the other certificate of the host is for those who know RSA only',
  },
  {
    name: 'TLS 1.3 with RSA signatures only',
    client: { servername: 'a.test', sigalgs: 'rsa_pss_rsae_sha256' },
    shown: 'a.test RSA',
    version: 'TLSv1.3',
    why: 'in TLS 1.3 the signature algorithms decide',
  },
  {
    name: 'an upper-case name',
    client: { servername: 'A.TEST' },
    shown: 'a.test EC',
    version: 'TLSv1.3',
    why: 'names are compared without case (RFC 6066 §3)',
  },
  {
    name: 'a host of a wildcard',
    client: { servername: 'x.wild.test' },
    shown: '*.wild.test EC',
    version: 'TLSv1.3',
    why: 'the wildcard serves where no exact host does',
  },
  {
    name: 'two labels under a wildcard',
    client: { servername: 'x.y.wild.test', ...trusting },
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'a wildcard is for one label; the default serves the others',
  },
  {
    name: 'no name',
    client: trusting,
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'a client that names no host gets the default certificate',
  },
  {
    name: 'a wrong name',
    client: { servername: 'nobody.test', ...trusting },
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'so does one that names a host without a certificate',
  },
  {
    name: 'a host whose only certificate has expired',
    client: { servername: 'expired.test', ...trusting },
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'what has expired is not shown',
  },
  {
    name: 'a host whose Secret is gone',
    client: { servername: 'missing.test', ...trusting },
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'the default serves until it is there',
  },
  {
    name: 'a host whose certificate is for another',
    client: { servername: 'other.test', ...trusting },
    shown: 'b.test EC',
    version: 'TLSv1.3',
    why: 'a certificate that no client would take is not shown',
  },
  {
    name: 'X25519 only',
    client: { servername: 'a.test', ecdhCurve: 'X25519' },
    shown: 'a.test EC',
    version: 'TLSv1.3',
    group: 'X25519',
    why: 'not everybody knows the hybrid group',
  },
  {
    name: 'a chain',
    client: { servername: 'chained.test' },
    shown: 'chained.test EC',
    version: 'TLSv1.3',
    why: 'the intermediate is sent along: the client knows its root only',
  },
  {
    name: 'TLS 1.1',
    client: {
      servername: 'a.test',
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    },
    error: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    counted: 'no-common-version',
    why: 'too old: an alert says so',
  },
  {
    name: 'an old cipher only',
    client: { servername: 'a.test', maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' },
    error: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    counted: 'no-common-cipher',
    why: 'nothing in common: an alert says so',
  },
  {
    name: 'another application protocol only',
    client: { servername: 'a.test', ALPNProtocols: ['smtp'] },
    error: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    counted: 'no-common-protocol',
    why: 'RFC 7301 §3.2',
  },
]

const secrets = {
  'default/a-ecdsa': tlsEntries('a-ecdsa'),
  'default/a-rsa': tlsEntries('a-rsa'),
  'default/wild': tlsEntries('wild-ecdsa'),
  'default/b': tlsEntries('b-ecdsa'),
  'default/expired': tlsEntries('expired'),
  'default/chained': tlsEntries('chained'),
}

async function start(echo: EchoUpstream, flags: readonly string[]): Promise<InProcess> {
  const proxy = await startInProcess({
    flags: ['--listen-tls', '127.0.0.1:0', ...flags],
    routes: [{ host: '' }],
    endpoints: { web: [{ address: '127.0.0.1', port: echo.port }] },
    certificates: {
      'a.test': ['default/a-rsa', 'default/a-ecdsa'],
      '*.wild.test': ['default/wild'],
      'chained.test': ['default/chained'],
      'expired.test': ['default/expired'],
      'missing.test': ['default/nobody'],
      'other.test': ['default/a-ecdsa'],
    },
  })
  for (const [name, entries] of Object.entries(secrets)) proxy.plane.setCertificate(name, entries)
  return proxy
}

t.test('what each kind of client gets', async (t) => {
  const echo = await startEcho('web')
  const proxy = await start(echo, ['--default-certificate', 'default/b'])
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  for (const { name, client, shown, version, group, error, counted, why } of kinds) {
    const failures = () =>
      proxy.counter('weir_tls_handshake_failures_total', { reason: counted ?? '' })
    const before = failures()
    const answer = await askTls(proxy.tlsPort, client)
    if (error === undefined) {
      t.match(answer, { shown, version, error: undefined }, `${name}: ${why}`)
      t.match(answer.text, /^HTTP\/1\.1 200 /, `${name}: it is served`)
      if (group !== undefined) t.equal(answer.group, group)
    } else {
      t.match(answer, { text: '', error }, `${name}: ${why}`)
      t.equal(failures(), before + 1, `${name}: it is counted as ${counted}`)
    }
  }
  const done = (resumed: string, version: string) =>
    proxy.counter('weir_tls_handshakes_total', { resumed, version })
  t.equal(done('false', '1.3') + done('false', '1.2'), kinds.length - 3, 'all others are counted')
})

t.test('hosts without a certificate can be refused', async (t) => {
  const echo = await startEcho('web')
  const proxy = await start(echo, ['--tls-unknown-host', 'reject'])
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  const rejected = 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'
  for (const client of [{}, { servername: 'nobody.test' }, { servername: 'expired.test' }]) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const answer = await askTls(proxy.tlsPort, { ...client, ...trusting, maxVersion })
      t.match(answer, { text: '', error: rejected }, `${client.servername} by ${maxVersion}`)
    }
  }
  const known = await askTls(proxy.tlsPort, { servername: 'a.test' })
  t.match(known, { shown: 'a.test EC', error: undefined }, 'others are served as before')
})

t.test('options narrow what is spoken', async (t) => {
  const echo = await startEcho('web')
  const newest = await start(echo, ['--tls-min-version', '1.3', '--tls-groups', 'P-384'])
  const one = await start(echo, ['--tls-ciphers', rsaOnly])
  t.teardown(async () => {
    await newest.close()
    await one.close()
    await echo.close()
  })
  const old = await askTls(newest.tlsPort, { servername: 'a.test', maxVersion: 'TLSv1.2' })
  t.equal(old.error, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'nothing older than 1.3')
  const group = await askTls(newest.tlsPort, { servername: 'a.test', ecdhCurve: 'X25519:P-384' })
  t.match(group, { group: 'secp384r1', error: undefined }, 'the one group that is allowed')
  const cipher = await askTls(one.tlsPort, { servername: 'a.test' })
  t.match(cipher, { shown: 'a.test RSA', version: 'TLSv1.2' }, 'the one suite that is allowed')
  const suite = 'TLS_AES_256_GCM_SHA384'
  const only = await start(echo, ['--tls-ciphers', suite])
  t.teardown(() => only.close())
  const of13 = await askTls(only.tlsPort, { servername: 'a.test' })
  t.match(of13, { version: 'TLSv1.3', error: undefined }, 'or none of TLS 1.2')
  const of12 = await askTls(only.tlsPort, { servername: 'a.test', maxVersion: 'TLSv1.2' })
  t.equal(of12.error, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
})

t.test(
  'a session is resumed, whatever certificate its host has, until the keys of tickets are others',
  async (t) => {
    const echo = await startEcho('web')
    const proxy = await start(echo, [])
    t.teardown(async () => {
      await proxy.close()
      await echo.close()
    })
    proxy.plane.setTicketKeys(Buffer.alloc(48, 1))
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = { servername: 'a.test', maxVersion }
      const first = await askTls(proxy.tlsPort, client)
      t.equal(first.isResumed, false)
      const again = await askTls(proxy.tlsPort, { ...client, session: first.session })
      t.match(again, { isResumed: true, error: undefined }, `${maxVersion}: by its ticket`)
      proxy.plane.setTicketKeys(Buffer.alloc(48, 2))
      const later = await askTls(proxy.tlsPort, { ...client, session: first.session })
      t.match(later, { isResumed: false, error: undefined }, `${maxVersion}: a full handshake`)
      proxy.plane.setTicketKeys(Buffer.alloc(48, 1))
    }
  },
)

t.test('a client that speaks plain HTTP is told to speak TLS', async (t) => {
  const echo = await startEcho('web')
  const proxy = await start(echo, [])
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  const answer = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connectPlain(proxy.tlsPort, '127.0.0.1')
    socket.on('data', (data) => {
      text += data
    })
    socket.on('close', () => resolve(text))
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  })
  t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(answer, /400 plain-http\nThis port speaks TLS: use https instead of http\.\n$/)
  t.equal(proxy.counter('weir_tls_handshake_failures_total', { reason: 'plain-http' }), 1)
  t.equal(echo.requests.length, 0, 'nothing of it went upstream')
})

t.test('TLS on the plain port is a malformed request', async (t) => {
  const echo = await startEcho('web')
  const proxy = await start(echo, [])
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  const answer = await askTls(proxy.port, { servername: 'a.test' })
  t.match(answer, { text: '' })
  t.ok(answer.error, 'the client sees at once that nobody speaks TLS here')
  t.match(proxy.log(), [{ status: 400, error: 'malformed-request' }])
})

t.test('upstreams learn the scheme and port of the client', async (t) => {
  const echo = await startEcho('web')
  const proxy = await start(echo, [])
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  await askTls(proxy.tlsPort, { servername: 'a.test' })
  const [request] = echo.requests
  t.strictSame(echoFields(request, 'x-forwarded-proto'), ['https'])
  t.strictSame(echoFields(request, 'x-forwarded-port'), ['443'])
  t.strictSame(echoFields(request, 'x-forwarded-for'), ['127.0.0.1'])
})
