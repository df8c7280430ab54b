// Do filters in nginx's words do over the wire what they did there? The real program, one host for each Ingress.
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { ask, metric, problemsOf } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { okResponse, startEcho, startScripted, type UpstreamSide } from '../support/upstream.ts'

/** An Ingress of its own host for paths of the Service `web`. */
function site(
  name: string,
  annotations: Readonly<Record<string, string>>,
  { service = 'web', paths = ['/'] } = {},
) {
  const prefixed = Object.entries(annotations).map(([key, value]) => [
    key.includes('/') ? key : `nginx.ingress.kubernetes.io/${key}`,
    value,
  ])
  const rules = paths.map((path) => ({ host: `${name}.test`, path, service }))
  return ingressOf(name, rules, Object.fromEntries(prefixed))
}

const cors = { 'enable-cors': 'true' }
const denied = { 'denylist-source-range': '0.0.0.0/0' }
const oneOff = { 'limit-rpm': '1', 'limit-burst-multiplier': '1' }
const large = 'x'.repeat(40 * 1024)

t.test('nginx’s words over the wire', async (t) => {
  const web = await startEcho('web')
  const held: UpstreamSide[] = []
  const slow = await startScripted({
    onRequest: (_, side) => {
      held.push(side)
      return undefined
    },
  })
  const page = await startScripted({
    onRequest: () =>
      `HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: http://app.test\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
  })
  const bigHead = await startScripted({
    onRequest: () => `HTTP/1.1 200 OK\r\nX-Big: ${'v'.repeat(6000)}\r\nContent-Length: 0\r\n\r\n`,
  })
  const shadow = await startScripted({})
  const folder = createManifestFolder([
    site('cors', cors),
    site('listed', { ...cors, 'cors-allow-origin': 'https://*.b.test', ...denied }),
    site('page', { ...cors, 'limit-rate': '20' }, { service: 'page' }),
    site('rate', { ...oneOff, ...cors, ...denied }, { paths: ['/a', '/b'] }),
    site('other', oneOff),
    site('free', { ...oneOff, 'limit-allowlist': '192.0.2.0/24' }),
    site('busy', { 'limit-connections': '2' }, { service: 'slow', paths: ['/a', '/b'] }),
    site('small', { 'proxy-buffer-size': '4k' }, { service: 'head' }),
    site('large', { 'proxy-buffer-size': '16k' }, { service: 'head' }),
    ...serviceOf('head', [bigHead]),
    site('mirror', {
      'mirror-target': 'http://shadow.default.svc.cluster.local/copy$request_uri',
      'mirror-host': 'shadow.test',
      'mirror-request-body': 'off',
    }),
    site('outside', { 'mirror-target': `http://127.0.0.1:${shadow.port}` }),
    site('refused', { 'mirror-target': 'http://169.254.169.254/latest$request_uri' }),
    ...serviceOf('shadow', [shadow]),
    ...serviceOf('web', [web]),
    ...serviceOf('slow', [slow]),
    ...serviceOf('page', [page]),
  ])
  const proxy = await startProxyProcess({
    flags: [
      ...['--manifests', folder.path, '--trusted-proxies', '127.0.0.1/32'],
      ...['--auth-urls', `http://127.0.0.1:${shadow.port}`],
    ],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([web.close(), slow.close(), page.close(), shadow.close(), bigHead.close()])
    folder.dispose()
  })
  const send = (method: string, url: string, ...fields: string[]) => {
    const [name = '', ...path] = url.split('/')
    return ask(proxy.port, { host: `${name}.test`, path: `/${path.join('/')}`, method, fields })
  }
  const get = (url: string, ...fields: string[]) => send('GET', url, ...fields)
  const allowed = (answer: RawResponse) => fieldsOf(answer, 'access-control-allow-origin')

  await t.test('CORS: all fields on every response', async (t) => {
    const plain = await get('cors')
    t.equal(plain.status, 200)
    t.same(allowed(plain), ['*'], 'also without an Origin')
    t.same(fieldsOf(plain, 'access-control-allow-credentials'), ['true'])
    t.match(fieldsOf(plain, 'access-control-allow-methods'), [
      'GET, PUT, POST, DELETE, PATCH, OPTIONS',
    ])
    t.same(fieldsOf(plain, 'vary'), [], 'the answer is the same for all')
    const options = await send('OPTIONS', 'cors')
    t.equal(options.status, 204, 'every OPTIONS is answered')
    t.same(fieldsOf(options, 'access-control-max-age'), ['1728000'])
  })

  await t.test(
    'CORS: preflights come before address lists, those of strangers do not',
    async (t) => {
      const origin = 'Origin: https://A.b.test'
      const preflight = await send(
        'OPTIONS',
        'listed',
        origin,
        'Access-Control-Request-Method: PUT',
      )
      t.equal(preflight.status, 204)
      t.same(allowed(preflight), ['https://A.b.test'], 'as it was sent')
      t.same(fieldsOf(preflight, 'vary'), ['Origin'])
      const refused = await get('listed', origin)
      t.equal(refused.status, 403)
      t.same(allowed(refused), ['https://A.b.test'], 'errors can be read, too')
      for (const stranger of ['https://b.test', 'https://x.a.b.test', 'https://a.b.test.c.test']) {
        const answer = await send('OPTIONS', 'listed', `Origin: ${stranger}`)
        t.equal(answer.status, 403, 'it goes on to the list')
        t.same(allowed(answer), [], stranger)
        t.same(fieldsOf(answer, 'vary'), ['Origin'], 'a cache must know')
      }
    },
  )

  await t.test(
    'a rate: one account for all paths of an Ingress, before the address list',
    async (t) => {
      const statuses = []
      for (const url of ['rate/a', 'rate/b', 'rate/a', 'rate/b']) {
        statuses.push((await get(url)).status)
      }
      t.same(statuses, [403, 403, 503, 503])
      const refused = await get('rate/a')
      t.match(refused.body, /rate-limited/)
      t.same(allowed(refused), ['*'])
      t.equal((await send('OPTIONS', 'rate/a')).status, 204, 'preflights are not counted')
      t.equal((await get('rate/a', 'X-Forwarded-For: 198.51.100.1')).status, 403, 'another client')
      t.equal((await get('other')).status, 200, 'another Ingress')
    },
  )

  await t.test('networks that are not limited', async (t) => {
    for (const address of ['192.0.2.1', '198.51.100.1']) {
      const statuses = []
      for (let at = 0; at < 4; at += 1) {
        statuses.push((await get('free', `X-Forwarded-For: ${address}`)).status)
      }
      const isFree = address === '192.0.2.1'
      t.same(statuses, isFree ? [200, 200, 200, 200] : [200, 200, 503, 503], address)
    }
  })

  await t.test('so many at a time, for all paths of an Ingress', async (t) => {
    const served = ['busy/a', 'busy/b'].map((url) => get(url))
    await eventually('2 requests are held', () => held.length === 2)
    t.match(await get('busy/a'), { status: 503, body: /concurrency-limited/ })
    const stranger = get('busy/a', 'X-Forwarded-For: 198.51.100.1')
    await eventually('3 requests are held', () => held.length === 3)
    for (const side of held) side.send(okResponse)
    t.same(
      (await Promise.all([...served, stranger])).map(({ status }) => status),
      [200, 200, 200],
    )
    const next = get('busy/a')
    await eventually('4 requests are held', () => held.length === 4)
    held[3]?.send(okResponse)
    t.equal((await next).status, 200, 'places are given back')
  })

  await t.test('a pace, and the application’s own word about origins gives way', async (t) => {
    const began = performance.now()
    const answer = await get('page')
    const ms = performance.now() - began
    t.equal(answer.body, large)
    t.ok(ms > 900 && ms < 5000, `40 KiB at 20 KiB/s took ${Math.round(ms)} ms`)
    t.same(allowed(answer), ['*'])
  })

  await t.test('the head of a response fits its buffer, or gets 502', async (t) => {
    t.match(await get('small'), { status: 502, body: /response-head-too-large/ })
    t.match(await get('small'), { status: 502 }, 'the endpoint is asked again')
    t.equal((await get('large')).status, 200)
    const labels = { code: 'response-head-too-large' }
    t.equal(await metric(proxy.adminPort, 'weir_upstream_errors_total', labels), 2)
  })

  await t.test('copies go where they may, and who never answers them delays nobody', async (t) => {
    const post = { host: 'mirror.test', path: '/x?y=1', method: 'POST', body: 'hello' }
    t.equal((await ask(proxy.port, post)).status, 200)
    await eventually('the copy is there', () => shadow.requests.length === 1)
    const [copy] = shadow.requests
    t.match(copy, { method: 'POST', target: '/copy/x?y=1', body: '' })
    t.match(shadow.text, /^host: shadow\.test\r$/im)
    t.equal((await get('outside/z')).status, 200)
    await eventually('the other copy, too', () => shadow.requests.length === 2)
    t.equal(shadow.requests[1]?.target, '/z')
    t.equal((await get('refused')).status, 200, 'the route is served without its copies')
  })

  const problems = await problemsOf(proxy.adminPort)
  t.match(problems, [{ name: 'refused', reason: 'auth-url-refused' }], 'all else is well')
  t.equal(problems.length, 1)
})
