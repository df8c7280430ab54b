// Filters that ask who it is: passwords, another Service, tokens.
import { gzipSync } from 'node:zlib'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import type { AssetData } from '../../shared/routing/filters/kind.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import type { FilterSketch } from '../../shared/routing/testing/route.ts'
import { refOf } from '../../shared/routing/upstreams/backend-ref.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { get, head, response } from '../exchange/pair.ts'
import { startInProcess } from '../support/in-process.ts'
import { connectRaw, fieldsOf } from '../support/raw-client.ts'
import { type Script, startScripted } from '../support/upstream.ts'

async function stage(t: Test, filter: FilterSketch, script?: Script) {
  const upstream = await startScripted()
  const auth = await startScripted(script)
  const clock = new ManualClock()
  const filters = [{ ...filterKinds.get(filter.kind)?.defaults, ...filter }]
  const dataPlane = await startInProcess({
    clock,
    routes: [{ filters }],
    endpoints: { web: [upstream], auth: [auth] },
  })
  const client = await connectRaw(dataPlane.port)
  t.teardown(async () => {
    client.close()
    await dataPlane.close()
    await upstream.close()
    await auth.close()
  })
  const ask = (...fields: string[]) => client.request(head('GET /x?y HTTP/1.1', ...fields))
  return { dataPlane, upstream, auth, client, clock, ask }
}

const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString('base64')}`

// ── passwords ───────────────────────────────────────────────────────────────────────────────────

// Of `htpasswd -nbB`, `-nbm`, `-nbs` for the password `secret`.
const bcrypt = 'ann:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'
const htpasswd = [
  '# users of the shop',
  'sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
  'apr:$apr1$.ZRWZ5Ui$BcXTfS7zU.NQ0msp2GjuE0',
  'weak:{CRYPT}nonsense',
]

const users: { data: AssetData | undefined; given: string[]; status: number; why: string }[] = [
  { data: undefined, given: [basic('sha:secret')], status: 503, why: 'without the Secret nobody' },
  { data: { other: 'x' }, given: [basic('sha:secret')], status: 503, why: 'nor without users' },
  { data: { auth: htpasswd.join('\n') }, given: [], status: 401, why: 'a name is needed' },
  {
    data: { auth: htpasswd.join('\r\n') },
    given: [basic('sha:secret')],
    status: 200,
    why: 'SHA-1 of htpasswd',
  },
  { data: { auth: htpasswd.join('\n') }, given: [basic('apr:secret')], status: 200, why: 'apr1' },
  { data: { auth: htpasswd.join('\n') }, given: [basic('sha:wrong')], status: 401, why: 'wrong' },
  { data: { users: htpasswd.join('\n') }, given: [basic('no:secret')], status: 401, why: 'nobody' },
  {
    data: { auth: htpasswd.join('\n') },
    given: [basic('weak:x')],
    status: 401,
    why: 'unknown hash',
  },
  {
    data: { username: 'bob', password: 'p:w' },
    given: [basic('bob:p:w')],
    status: 200,
    why: 'a Secret of type kubernetes.io/basic-auth; a password may have colons',
  },
  {
    data: { username: 'bob', password: 'pw' },
    given: [basic('bob:px')],
    status: 401,
    why: 'and another is not it',
  },
  {
    data: { username: 'bob', password: 'pw' },
    given: ['Authorization: Bearer x'],
    status: 401,
    why: 'another scheme',
  },
  {
    data: { username: 'bob', password: 'pw' },
    given: ['Authorization: Basic !!!'],
    status: 401,
    why: 'no base64',
  },
]

for (const { data, given, status, why } of users) {
  t.test(`basic auth gives ${status}: ${why}`, async (t) => {
    const { dataPlane, ask, upstream } = await stage(t, { kind: 'basic-auth', secret: 'd/u' })
    dataPlane.plane.setAsset({ kind: 'secret', name: 'd/u' }, data)
    const answer = await ask(...given)
    t.equal(answer.status, status)
    t.equal(upstream.requests.length, status === 200 ? 1 : 0)
    const challenge = 'Basic realm="Authentication Required", charset="UTF-8"'
    if (status === 401) t.same(fieldsOf(answer, 'www-authenticate'), [challenge])
  })
}

t.test('a Secret that comes later opens the route, and one that goes closes it', async (t) => {
  const { dataPlane, ask } = await stage(t, { kind: 'basic-auth', secret: 'd/u' })
  const ref = { kind: 'secret', name: 'd/u' } as const
  t.equal((await ask(basic('bob:pw'))).status, 503)
  dataPlane.plane.setAsset(ref, { username: 'bob', password: 'pw' })
  t.equal((await ask(basic('bob:pw'))).status, 200)
  dataPlane.plane.setAsset(ref, { username: 'bob', password: 'new' })
  t.equal((await ask(basic('bob:pw'))).status, 401)
  dataPlane.plane.setAsset(ref, undefined)
  t.equal((await ask(basic('bob:new'))).status, 503)
})

// ── another Service ─────────────────────────────────────────────────────────────────────────────

const service = refOf({ namespace: 'default', service: 'auth', port: 80 })
const external = { kind: 'external-auth', service, path: '/verify' }

const verdicts = [
  { says: '200 OK', status: 200, why: 'let in' },
  { says: '204 No Content', status: 200, why: 'any 2xx' },
  { says: '401 Unauthorized', status: 401, why: 'refused' },
  { says: '403 Forbidden', status: 403, why: 'refused' },
  { says: '302 Found', status: 302, why: 'sent elsewhere' },
  { says: '304 Not Modified', status: 503, why: 'nothing conditional was asked' },
  { says: '500 Internal Server Error', status: 503, why: 'no answer is a no' },
  { says: '503 Service Unavailable', status: 503, why: 'no answer is a no' },
]

for (const { says, status, why } of verdicts) {
  t.test(`the Service says ${says}: the client gets ${status}: ${why}`, async (t) => {
    const answer = /^(204|304)/.test(says)
      ? `HTTP/1.1 ${says}\r\n\r\n`
      : response(says, 'why', 'Location: /in', 'Set-Cookie: a=1', 'X-Secret: s')
    const { ask, upstream } = await stage(t, external, { onRequest: () => answer })
    const got = await ask()
    t.equal(got.status, status)
    t.equal(upstream.requests.length, status === 200 ? 1 : 0)
    if (status < 300 || status >= 500) return
    t.equal(got.body, 'why')
    t.same(fieldsOf(got, 'location'), ['/in'])
    t.same(fieldsOf(got, 'set-cookie'), ['a=1'])
    t.same(fieldsOf(got, 'x-secret'), [])
  })
}

t.test(
  'the Service sees what is asked for, and its word goes upstream, not the client’s',
  async (t) => {
    const { ask, auth, upstream } = await stage(
      t,
      { ...external, upstreamHeaders: ['x-user'], clientHeaders: ['set-cookie'] },
      {
        onRequest: () =>
          response('200 OK', '', 'X-User: ann', 'Set-Cookie: s=1', 'Set-Cookie: t=2'),
      },
    )
    const answer = await ask('Cookie: c=1', 'X-User: root')
    const asked = Object.fromEntries(
      auth.requests[0]?.fields.map(([name, value]) => [name.toLowerCase(), value]) ?? [],
    )
    t.equal(auth.requests[0]?.target, '/verify')
    t.match(asked, {
      cookie: 'c=1',
      'x-forwarded-method': 'GET',
      'x-forwarded-uri': '/x?y',
      'x-original-url': 'http://a.test/x?y',
    })
    t.notOk('x-user' in asked)
    const sent = upstream.requests[0]?.fields.filter(([name]) => name.toLowerCase() === 'x-user')
    t.same(
      sent?.map(([, value]) => value),
      ['ann'],
    )
    t.same(fieldsOf(answer, 'set-cookie'), ['s=1', 't=2'])
  },
)

t.test(
  'a refusal is read as it was written, whatever the client asks of its own resource',
  async (t) => {
    const page = gzipSync('why').toString('latin1')
    const { ask, auth } = await stage(t, external, {
      onRequest: () =>
        `HTTP/1.1 429 X\r\nContent-Encoding: gzip\r\nRetry-After: 9\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
    })
    const got = await ask(
      'Accept-Encoding: gzip',
      'If-None-Match: "a"',
      'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT',
      'Range: bytes=9-',
      'If-Range: "a"',
    )
    t.equal(got.status, 429)
    t.same(fieldsOf(got, 'content-encoding'), ['gzip'])
    t.same(fieldsOf(got, 'retry-after'), ['9'])
    const asked = auth.requests[0]?.fields.map(([name]) => name.toLowerCase()) ?? []
    t.ok(asked.includes('accept-encoding'))
    t.notOk(
      asked.some((name) => /^(if-.*|range)$/.test(name)),
      `${asked}`,
    )
  },
)

t.test('an answer that does not come in time is a no', async (t) => {
  const { client, clock, auth, upstream } = await stage(t, { ...external, timeoutMs: 100 }, {})
  client.send(get)
  await eventually('it is asked', () => auth.requests.length === 1)
  clock.advance(100)
  t.match(await client.response(), { status: 503, body: /auth-unavailable/ })
  t.equal(upstream.requests.length, 0)
})

t.test('a yes counts for the same key as long as it was said, a no never', async (t) => {
  const says = ['401 Unauthorized', '200 OK', '200 OK', '200 OK']
  const cached = { ...external, cacheMs: 1000, cacheKeys: [{ from: 'cookie', name: 'sid' }] }
  const { ask, auth, clock } = await stage(t, cached, {
    onRequest: () => response(says[auth.requests.length - 1] ?? '', ''),
  })
  t.equal((await ask('Cookie: sid=1')).status, 401)
  t.equal((await ask('Cookie: sid=1')).status, 200)
  t.equal((await ask('Cookie: sid=1')).status, 200)
  t.equal(auth.requests.length, 2, 'the second yes was remembered')
  await ask('Cookie: sid=2')
  t.equal(auth.requests.length, 3, 'for another client it is asked')
  clock.advance(1001)
  await ask('Cookie: sid=1')
  t.equal(auth.requests.length, 4, 'and after its time')
})

t.test('a yes counts for no other values of its keys, however they are cut', async (t) => {
  const cacheKeys = [
    { from: 'query', name: 'a' },
    { from: 'query', name: 'b' },
  ]
  const { client, auth } = await stage(
    t,
    { ...external, cacheMs: 1000, cacheKeys },
    {
      onRequest: () => response('200 OK', ''),
    },
  )
  for (const query of ['a=1%0A2&b=', 'a=1&b=2%0A', 'a=1&b=2%0A']) {
    await client.request(head(`GET /?${query} HTTP/1.1`))
  }
  t.equal(auth.requests.length, 2)
})

t.test('a cache by what requests do not show lets nobody in', async (t) => {
  for (const name of ['host', 'connection', 'upgrade']) {
    const cacheKeys = [
      { from: 'cookie', name: 'sid' },
      { from: 'header', name },
    ]
    const { ask, auth } = await stage(t, { ...external, cacheMs: 1000, cacheKeys })
    t.match(await ask('Cookie: sid=1'), { status: 503, body: /policy-closed/ })
    t.equal(auth.requests.length, 0)
  }
})

t.test('who is not known is sent to sign in, and back', async (t) => {
  const signIn = 'https://login.b.test/?rd={url}'
  const { ask } = await stage(
    t,
    { ...external, signIn },
    {
      onRequest: () => response('401 Unauthorized', ''),
    },
  )
  const answer = await ask()
  t.equal(answer.status, 302)
  const url = encodeURIComponent('http://a.test/x?y')
  t.same(fieldsOf(answer, 'location'), [`https://login.b.test/?rd=${url}`])
})

// ── tokens ──────────────────────────────────────────────────────────────────────────────────────

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const stranger = await generateKeyPair('ES256')
const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }
const keys = { service, authority: 'auth.default.svc', path: '/keys' }
const jwksRef = { kind: 'jwks', name: 'default/auth:80/keys' } as const
const jwt = { kind: 'jwt', keys, issuer: 'iss', audiences: ['shop'] }
const now = Math.floor(new ManualClock().wallNow() / 1000)

interface Token {
  readonly iss?: string
  readonly aud?: string
  readonly exp?: number
  readonly nbf?: number
  readonly key?: typeof privateKey
}

const sign = ({ iss = 'iss', aud = 'shop', exp = now + 60, nbf = now, key = privateKey }: Token) =>
  new SignJWT({ sub: 'ann', roles: ['a', 'b'], name: 'Zoë' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(exp)
    .setNotBefore(nbf)
    .sign(key)

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = `${part({ alg: 'none' })}.${part({ iss: 'iss', aud: 'shop', exp: now + 60 })}.`

const tokens: { token: string; status: number; why: string }[] = [
  { token: await sign({}), status: 200, why: 'signed, for us, now' },
  { token: await sign({ iss: 'other' }), status: 401, why: 'another issuer' },
  { token: await sign({ aud: 'other' }), status: 401, why: 'for somebody else' },
  { token: await sign({ exp: now - 31 }), status: 401, why: 'over' },
  { token: await sign({ exp: now - 29 }), status: 200, why: 'clocks may differ' },
  { token: await sign({ nbf: now + 31 }), status: 401, why: 'not yet' },
  { token: await sign({ key: stranger.privateKey }), status: 401, why: 'of a stranger' },
  { token: unsigned, status: 401, why: 'RFC 8725 §3.1: `none` is no signature' },
  { token: 'x.y.z', status: 401, why: 'no token' },
]

for (const { token, status, why } of tokens) {
  t.test(`a token gives ${status}: ${why}`, async (t) => {
    const { dataPlane, ask } = await stage(t, jwt)
    dataPlane.plane.setAsset(jwksRef, { keys: JSON.stringify(keySet) })
    t.equal((await ask(`Authorization: Bearer ${token}`)).status, status)
  })
}

t.test(
  'claims go upstream in the place of what the client sent; without keys nobody',
  async (t) => {
    const claims = [
      ['sub', 'x-user'],
      ['roles', 'x-roles'],
      ['name', 'x-name'],
      ['missing', 'x-missing'],
    ]
    const { dataPlane, ask, upstream } = await stage(t, { ...jwt, claims, cookie: 'token' })
    t.equal((await ask('X-User: root')).status, 401, 'a token is needed')
    const cookie = `Cookie: token=${await sign({})}`
    t.equal((await ask(cookie)).status, 503, 'keys are needed')
    dataPlane.plane.setAsset(jwksRef, { keys: '{"no":"keys"}' })
    t.equal((await ask(cookie)).status, 503, 'keys that are none')
    dataPlane.plane.setAsset(jwksRef, { keys: JSON.stringify(keySet) })
    t.equal((await ask(cookie, 'X-User: root', 'X-Missing: root')).status, 200)
    const sent = Object.fromEntries(
      upstream.requests[0]?.fields.map(([name, value]) => [name.toLowerCase(), value]) ?? [],
    )
    t.match(sent, { 'x-user': 'ann', 'x-roles': '["a","b"]', 'x-name': 'Zo\\u00eb' })
    t.notOk('x-missing' in sent)
  },
)

t.test('bcrypt is checked in a thread of its own, once', async (t) => {
  const { dataPlane, ask, upstream } = await stage(t, { kind: 'basic-auth', secret: 'd/u' })
  dataPlane.plane.setAsset({ kind: 'secret', name: 'd/u' }, { auth: bcrypt })
  t.equal((await ask(basic('ann:wrong'))).status, 401)
  t.equal((await ask(basic('ann:myPassword'))).status, 200)
  t.equal((await ask(basic('ann:myPassword'))).status, 200)
  t.equal(upstream.requests.length, 2)
})
