// The identity that an AWS load balancer signs, with keys from a server in the place of AWS's.

import { createHmac, createSign, KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import { exportSPKI, generateKeyPair } from 'jose'
import t, { type Test } from 'tap'
import { fetchText } from '../../proxy/control/resolvers/fetch-text.ts'
import { createPublicKeys } from '../../proxy/control/resolvers/public-keys.ts'
import { keyUrlOf } from '../../shared/routing/filters/alb-identity.ts'
import { filterKinds } from '../../shared/routing/filters/kinds.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { head } from '../exchange/pair.ts'
import { ask as askProxy, problemsOf } from '../support/ask.ts'
import { startInProcess } from '../support/in-process.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

const arn =
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/edge/50dc6c495c0c9188'
const other = arn.replace('edge', 'evil')
const kid = '307a30c3-8280-4ff5-a78d-6bc5263ffbe8'
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const stranger = await generateKeyPair('ES256', { extractable: true })
const pem = await exportSPKI(publicKey)
const now = Math.floor(new ManualClock().wallNow() / 1000)

/** As AWS writes it: base64url that keeps its padding, which is signed too. */
const padded = (value: object | Buffer) =>
  (value instanceof Buffer ? value : Buffer.from(JSON.stringify(value)))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
const plain = (value: object | Buffer) => padded(value).replaceAll('=', '')

interface Sketch {
  readonly header?: object
  readonly payload?: object
  readonly key?: CryptoKey
  readonly encode?: typeof padded
  /** Changes the signed text afterwards. */
  readonly tamper?: (token: string) => string
}

function sign({ header, payload, key = privateKey, encode = padded, tamper }: Sketch = {}): string {
  const claims = { sub: 'ann', email: 'ann@b.test', exp: now + 120, iss: 'https://idp.b.test' }
  const text = [
    {
      typ: 'JWT',
      kid,
      alg: 'ES256',
      iss: claims.iss,
      client: 'shop',
      signer: arn,
      exp: now + 120,
      ...header,
    },
    { ...claims, ...payload },
  ]
    .map(encode)
    .join('.')
  const signer = createSign('sha256').update(text)
  const signature = signer.sign({ key: KeyObject.from(key), dsaEncoding: 'ieee-p1363' })
  const token = `${text}.${encode(signature)}`
  return tamper?.(token) ?? token
}

function signShared(): string {
  const [head = '', payload = ''] = sign({ header: { alg: 'HS256' } }).split('.')
  return `${head}.${payload}.${padded(createHmac('sha256', pem).update(`${head}.${payload}`).digest())}`
}

/** A server of keys; `answer` says what it gives for a name: a key, a status, or nothing ever. */
async function startKeys(t: Test, answer: (name: string) => string | number | undefined) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    asked.push(name)
    const given = answer(name)
    if (typeof given === 'number') response.writeHead(given).end('<Error/>')
    else if (given !== undefined) response.end(given)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, base: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` }
}

interface Stage {
  readonly filter?: object
  readonly answer?: (name: string) => string | number | undefined
  readonly base?: string
}

const onlyOurs = (name: string) => (name === kid ? pem : 404)

async function stage(t: Test, { filter = {}, answer = onlyOurs, base }: Stage = {}) {
  const upstream = await startScripted()
  const keys = await startKeys(t, answer)
  const clock = new ManualClock()
  const write = () => {}
  const log = { debug: write, info: write, warn: write, error: write, child: () => log }
  const publicKeys = createPublicKeys({ clock, log, fetchText, base: base ?? keys.base })
  const jwt = { kind: 'jwt', albArn: arn, header: 'x-amzn-oidc-data', ...filter }
  const dataPlane = await startInProcess({
    clock,
    routes: [{ filters: [{ ...filterKinds.get('jwt')?.defaults, ...jwt }] }],
    endpoints: { web: [upstream] },
    findKey: (ref) => publicKeys.find(ref),
  })
  t.teardown(async () => {
    await dataPlane.close()
    await upstream.close()
  })
  const headOf = (token: string | undefined, fields: readonly string[]) =>
    head(
      'GET / HTTP/1.1',
      ...(token === undefined ? [] : [`X-Amzn-Oidc-Data: ${token}`]),
      ...fields,
    )
  // Each on a connection of its own: some tests let hours pass.
  const ask = async (token?: string, ...fields: string[]) => {
    const client = await connectRaw(dataPlane.port)
    t.teardown(() => client.close())
    return client.request(headOf(token, fields))
  }
  return { ask, clock, upstream, keys }
}

const flip = (token: string, at: number) => {
  const parts = token.split('.')
  const part = parts[at] ?? ''
  parts[at] = `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`
  return parts.join('.')
}

const swapPayload = (token: string) => {
  const [head = '', , signature = ''] = token.split('.')
  return `${head}.${padded({ sub: 'root', exp: now + 120 })}.${signature}`
}

const cases: { token: string | undefined; filter?: object; status: number; why: string }[] = [
  { token: sign(), status: 200, why: 'signed by our load balancer, with padding' },
  { token: sign({ encode: plain }), status: 200, why: 'without padding, as RFC 7515 has it' },
  { token: sign({ payload: { name: 'x' } }), status: 200, why: 'another length of the payload' },
  { token: sign({ payload: { name: 'xy' } }), status: 200, why: 'and the third' },
  { token: undefined, status: 401, why: 'the header is absent' },
  { token: sign({ header: { signer: other } }), status: 401, why: 'of another load balancer' },
  { token: sign({ header: { signer: undefined } }), status: 401, why: 'of nobody' },
  { token: sign({ header: { kid: 'unknown' } }), status: 401, why: 'there is no such key' },
  { token: sign({ header: { kid: '../x' } }), status: 401, why: 'no name of a key' },
  { token: sign({ header: { kid: undefined } }), status: 401, why: 'no key is named' },
  { token: sign({ header: { exp: now - 31 } }), status: 401, why: 'over, by its header' },
  { token: sign({ payload: { exp: now - 31 } }), status: 401, why: 'over, by its payload' },
  { token: sign({ header: { exp: now - 29 } }), status: 200, why: 'clocks may differ' },
  { token: sign({ header: { exp: undefined } }), status: 401, why: 'it would never be over' },
  { token: sign({ key: stranger.privateKey }), status: 401, why: 'signed by a stranger' },
  { token: sign({ tamper: swapPayload }), status: 401, why: 'another payload' },
  { token: sign({ tamper: (token) => flip(token, 2) }), status: 401, why: 'another signature' },
  { token: sign({ header: { alg: 'none' } }), status: 401, why: 'RFC 8725 §3.1: no signature' },
  { token: `${sign().split('.').slice(0, 2).join('.')}.`, status: 401, why: 'an empty signature' },
  { token: signShared(), status: 401, why: 'the public key as a shared secret (HS256)' },
  { token: `${sign()}, ${sign()}`, status: 401, why: 'two of them' },
  { token: 'x.y.z', status: 401, why: 'no token' },
  { token: sign(), filter: { audiences: ['a', 'shop'] }, status: 200, why: 'our client' },
  { token: sign(), filter: { audiences: ['a'] }, status: 401, why: 'for another client' },
  { token: sign(), filter: { issuer: 'https://idp.b.test' }, status: 200, why: 'our issuer' },
  { token: sign(), filter: { issuer: 'https://idp.c.test' }, status: 401, why: 'another issuer' },
]

for (const { token, filter = {}, status, why } of cases) {
  t.test(`an identity gives ${status}: ${why}`, async (t) => {
    const { ask, upstream } = await stage(t, { filter })
    t.equal((await ask(token)).status, status)
    t.equal(upstream.requests.length, status === 200 ? 1 : 0)
  })
}

t.test('what cannot be ours asks for no key', async (t) => {
  const { ask, keys } = await stage(t)
  for (const header of [{ signer: other }, { alg: 'HS256' }, { kid: 'a/../b' }, { kid: '' }]) {
    t.equal((await ask(sign({ header }))).status, 401)
  }
  t.same(keys.asked, [])
})

t.test('claims go upstream, and what the client says of itself does not', async (t) => {
  const { ask, upstream } = await stage(t, { filter: { claims: [['email', 'x-email']] } })
  await ask(sign(), 'X-Email: root', 'X-Amzn-Oidc-Identity: root')
  const sent = upstream.requests[0]?.fields.map(
    ([name, value]) => `${name.toLowerCase()}: ${value}`,
  )
  t.ok(sent?.includes('x-email: ann@b.test'))
  t.notOk(sent?.includes('x-email: root'))
  t.same(
    sent?.filter((line) => line.startsWith('x-amzn-oidc-identity')),
    ['x-amzn-oidc-identity: ann'],
  )
  t.equal(sent?.filter((line) => line.startsWith('x-amzn-oidc-data')).length, 1)
})

t.test('a key is fetched once, and so is the word that there is none, for a while', async (t) => {
  const { ask, keys, clock } = await stage(t)
  const unknown = sign({ header: { kid: 'unknown' } })
  for (const token of [sign(), sign(), unknown, unknown]) await ask(token)
  t.same(keys.asked, [kid, 'unknown'])
  clock.advance(60_001)
  for (const token of [sign({ header: { exp: now + 300 }, payload: { exp: now + 300 } }), unknown])
    await ask(token)
  t.same(keys.asked, [kid, 'unknown', 'unknown'])
})

t.test('a key stays when its server goes away, and leaves when it is withdrawn', async (t) => {
  let given: string | number = pem
  const { ask, keys, clock } = await stage(t, { answer: () => given })
  const later = now + 10_000
  const token = sign({ header: { exp: later }, payload: { exp: later } })
  t.equal((await ask(token)).status, 200)
  given = 500
  clock.advance(3_600_001)
  t.equal((await ask(token)).status, 200)
  t.equal(keys.asked.length, 2)
  given = 403
  clock.advance(5_001)
  t.equal((await ask(token)).status, 401)
})

const failures: { answer: () => string | number; why: string }[] = [
  { answer: () => 500, why: 'it fails' },
  { answer: () => '<html>log in</html>', why: 'it gives no key' },
  {
    answer: () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
    why: 'its key is none',
  },
]

for (const { answer, why } of failures) {
  t.test(`nobody comes in without a key: ${why}`, async (t) => {
    const { ask, upstream } = await stage(t, { answer })
    t.match(await ask(sign()), { status: 503, body: /auth-unavailable/ })
    t.equal(upstream.requests.length, 0)
  })
}

t.test('nobody comes in when the server of keys is down', async (t) => {
  const { ask } = await stage(t, { base: 'http://127.0.0.1:1' })
  t.match(await ask(sign()), { status: 503, body: /auth-unavailable/ })
})

t.test('a server of keys that says nothing is waited for, not longer than 5 s', async (t) => {
  const { ask, clock, keys, upstream } = await stage(t, { answer: () => undefined })
  const answer = ask(sign())
  await eventually('it is asked', () => keys.asked.length === 1)
  clock.advance(5_000)
  t.match(await answer, { status: 503, body: /auth-unavailable/ })
  t.equal(upstream.requests.length, 0)
})

t.test('names that are made up are looked up for a while only', async (t) => {
  const { ask, keys, clock } = await stage(t)
  const statuses: number[] = []
  for (let n = 0; n < 40; n += 1) {
    statuses.push((await ask(sign({ header: { kid: `made-up-${n}` } }))).status)
  }
  t.equal(keys.asked.length, 30)
  t.same([...new Set(statuses)], [401, 503])
  clock.advance(1_001)
  t.equal((await ask(sign())).status, 200, 'and a key of ours gets its turn')
})

t.test(
  'from an annotation to the wire: the real program, which asks for keys below --alb-keys',
  async (t) => {
    const upstream = await startEcho('web')
    const keys = await startKeys(t, onlyOurs)
    const guarded = (name: string, value: string) =>
      ingressOf(name, [{ host: `${name}.test`, service: 'web' }], { 'weir.dev/jwt-alb-arn': value })
    const folder = createManifestFolder([
      guarded('ours', arn),
      guarded('wrong', 'edge'),
      ...serviceOf('web', [upstream]),
    ])
    const proxy = await startProxyProcess({
      flags: ['--manifests', folder.path, '--alb-keys', `${keys.base}/`],
    })
    t.teardown(async () => {
      await proxy.stop()
      await upstream.close()
      folder.dispose()
    })
    const exp = Math.floor(Date.now() / 1000) + 120
    const token = sign({ header: { exp }, payload: { exp } })
    const get = (name: string, ...fields: string[]) =>
      askProxy(proxy.port, { host: `${name}.test`, fields })
    t.equal((await get('ours')).status, 401)
    t.equal((await get('ours', `X-Amzn-Oidc-Data: ${token}`)).status, 200)
    t.equal((await get('ours', `X-Amzn-Oidc-Data: ${swapPayload(token)}`)).status, 401)
    t.same(keys.asked, [kid])
    t.equal((await get('wrong', `X-Amzn-Oidc-Data: ${token}`)).status, 503)
    t.match(await problemsOf(proxy.adminPort), [
      { reason: 'invalid-annotation', name: 'wrong', message: /must be the ARN/ },
    ])
  },
)

const places: { arn: string; url: string | undefined; why: string }[] = [
  { arn, url: `https://public-keys.auth.elb.eu-west-1.amazonaws.com/${kid}`, why: 'AWS' },
  {
    arn: arn.replace('aws:', 'aws-us-gov:').replace('eu-west-1', 'us-gov-east-1'),
    url: `https://s3-us-gov-east-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-east-1/${kid}`,
    why: 'GovCloud has them in S3',
  },
  {
    arn: arn.replace('aws:', 'aws-us-gov:').replace('eu-west-1', 'us-gov-north-1'),
    url: undefined,
    why: 'a bucket that anybody could make',
  },
  {
    arn: arn.replace('aws:', 'aws-cn:').replace('eu-west-1', 'cn-north-1'),
    url: `https://public-keys.auth.elb.cn-north-1.amazonaws.com.cn/${kid}`,
    why: 'China has a domain of its own',
  },
  { arn: arn.replace('/app/', '/net/'), url: undefined, why: 'an NLB signs nothing' },
  { arn: arn.replace('eu-west-1', 'b.test/'), url: undefined, why: 'no region' },
  { arn: '', url: undefined, why: 'no ARN' },
]

for (const { arn, url, why } of places) {
  t.test(`keys are at ${url}: ${why}`, async (t) => {
    t.equal(keyUrlOf({ arn, kid }), url)
  })
}

const halves: { filter: object; fault: RegExp; why: string }[] = [
  { filter: {}, fault: /key set/, why: 'nobody signs' },
  { filter: { albArn: 'edge' }, fault: /ARN/, why: 'no ARN' },
  { filter: { albArn: arn, keys: 'https://k.test/' }, fault: /one of them/, why: 'two sign' },
]

for (const { filter, fault, why } of halves) {
  t.test(`a filter has a fault: ${why}`, async (t) => {
    t.match(filterKinds.get('jwt')?.fault({ kind: 'jwt', ...filter }), fault)
  })
}
