// Requests are asked about in ingress-nginx's words: the real program, with a scripted authentication server.
import t, { type Test } from 'tap'
import { response } from '../exchange/pair.ts'
import { type Ask, ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startScripted } from '../support/upstream.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const flags = ['--trusted-proxies', '127.0.0.1/32', '--trusted-fields', 'all']
const service = 'http://auth.default.svc.cluster.local'
const yes = { 'auth-url': `${service}/yes` }
const no = { 'auth-url': `${service}/401` }

const keys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  yes,
  no,
  refused: { 'auth-url': `${service}/403` },
  strange: { 'auth-url': `${service}/302` },
  broken: { 'auth-url': `${service}/500` },
  fresh: { 'auth-url': `${service}/304` },
  gone: { 'auth-url': 'http://gone.default.svc.cluster.local/' },
  text: { 'auth-url': 'auth.example.com/x' },
  dots: { 'auth-url': 'https://invalid..auth.url' },
  mixed: { 'auth-url': 'http://$host.svc/x' },
  unknown: { 'auth-url': `${service}/yes?x=$secret_variable` },
  foreign: { 'auth-url': 'http://auth.other.svc.cluster.local/yes' },
  metadata: { 'auth-url': 'http://169.254.169.254/latest/meta-data/' },
  named: {
    'auth-url': `${service}/yes?uri=$request_uri&to=$http_x_to&c=$cookie_c&e=$escaped_request_uri`,
  },
  method: { ...yes, 'auth-method': 'POST', 'auth-request-redirect': 'https://back.test/x' },
  blah: { ...yes, 'auth-method': 'BLAH' },
  headers: { ...yes, 'auth-response-headers': ',X-User,,X-Groups, Authorization,' },
  spaced: { ...yes, 'auth-response-headers': '1 2' },
  framing: { ...yes, 'auth-response-headers': 'Transfer-Encoding' },
  cookies: { 'auth-url': `${service}/cookies` },
  always: { 'auth-url': `${service}/cookies`, 'auth-always-set-cookie': 'true' },
  signin: { 'auth-url': `${service}/401-cookies`, 'auth-signin': 'https://$host/oauth2/start' },
  param: { ...no, 'auth-signin': 'https://login.test/?a=1', 'auth-signin-redirect-param': 'back' },
  own: { ...no, 'auth-signin': 'https://login.test/?rd=https://$host$escaped_request_uri' },
  path: { ...no, 'auth-signin': '/oauth2/start' },
  lost: { ...no, 'auth-signin': 'https://login.test/#$nothing' },
  cached: { 'auth-url': `${service}/count`, 'auth-cache-key': '$http_authorization' },
  kept: { 'auth-url': `${service}/count-private`, 'auth-cache-key': '$http_authorization' },
  wrongly: { ...yes, 'auth-cache-key': 'x', 'auth-cache-duration': 'for ever' },
  more: { ...yes, 'auth-proxy-set-headers': 'default/more' },
  missing: { ...yes, 'auth-proxy-set-headers': 'missing' },
  others: { ...yes, 'auth-proxy-set-headers': 'other/more' },
  alone: { 'auth-signin': 'https://login.test/' },
  without: { 'auth-response-headers': 'X-User' },
  empty: { 'auth-url': '', 'auth-signin': '' },
  kind: { ...yes, 'auth-keepalive': '123', 'auth-keepalive-timeout': 'x' },
}

const script = (target: string): string => {
  const path = target.split('?', 1)[0] ?? ''
  const cookies = ['Set-Cookie: a=1', 'Set-Cookie: b=2']
  if (path === '/cookies') return response('200 OK', '', ...cookies)
  if (path === '/401-cookies') return response('401 Unauthorized', 'out', ...cookies)
  if (path === '/401')
    return response('401 Unauthorized', 'out', 'WWW-Authenticate: Basic realm="x"')
  if (path === '/count-private') return response('200 OK', '', 'Cache-Control: private')
  if (path === '/304') return 'HTTP/1.1 304 Not Modified\r\n\r\n'
  const status = /^\/(\d{3})$/.exec(path)?.[1]
  if (status !== undefined) return response(`${status} X`, 'why', 'Location: /in')
  return response('200 OK', '', 'X-User: ann', 'X-Groups: a', 'X-Groups: b')
}

const more = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'more', namespace: 'default' },
  data: { 'My-Header': '42', 'X-Sent-From': 'weir' },
}

async function stage(t: Test) {
  const web = await startScripted({
    onRequest: (request) =>
      request.target.startsWith('/error') ? response('503 X', 'sorry') : response('200 OK', 'web'),
  })
  const auth = await startScripted({ onRequest: ({ target }) => script(target) })
  const ingresses = Object.entries(keys).map(([name, own]) =>
    ingressOf(
      name,
      [{ host: `${name}.test`, service: 'web' }],
      Object.fromEntries(Object.entries(own).map(([key, value]) => [prefix + key, value])),
    ),
  )
  const folder = createManifestFolder([
    ...ingresses,
    ...serviceOf('web', [web]),
    ...serviceOf('auth', [auth]),
    ...serviceOf('auth', [auth], 'other'),
    more,
  ])
  const proxy = await startProxyProcess({ flags: [...flags, '--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    for (const each of [web, auth]) await each.close()
    folder.dispose()
  })
  const get = (name: string, path = '/x?y=1&z=%20', more: Partial<Ask> = {}) =>
    ask(proxy.port, { host: `${name}.test`, path, ...more })
  const seen = (fields: readonly (readonly [string, string])[] | undefined, name: string) =>
    (fields ?? []).filter(([own]) => own.toLowerCase() === name).map(([, value]) => value)
  return { proxy, web, auth, get, seen }
}

const outcomes = [
  { name: 'yes', status: 200, why: 'let in' },
  { name: 'no', status: 401, why: 'refused' },
  { name: 'refused', status: 403, why: 'refused' },
  { name: 'strange', status: 500, why: 'a redirect is no answer' },
  { name: 'broken', status: 500, why: 'nor is a failure' },
  { name: 'fresh', status: 500, why: 'nor is 304' },
  { name: 'gone', status: 500, why: 'there is no such Service' },
  { name: 'text', status: 503, why: 'no URL' },
  { name: 'dots', status: 503, why: 'no host' },
  { name: 'mixed', status: 503, why: 'a host made of a variable' },
  { name: 'unknown', status: 503, why: 'no such variable' },
  { name: 'foreign', status: 500, why: 'a Service of another namespace that nobody allowed' },
  { name: 'metadata', status: 500, why: 'the metadata service' },
  { name: 'blah', status: 503, why: 'no method' },
  { name: 'spaced', status: 503, why: 'no names' },
  { name: 'framing', status: 503, why: 'a field that frames the message' },
  { name: 'wrongly', status: 503, why: 'no time' },
  { name: 'missing', status: 503, why: 'there is no such ConfigMap' },
  { name: 'others', status: 503, why: 'a ConfigMap of another namespace' },
  { name: 'without', status: 503, why: 'a part of a guard that is not there' },
  { name: 'alone', status: 200, why: 'where to sign in guards nobody' },
  { name: 'empty', status: 503, why: 'something was wanted' },
  { name: 'kind', status: 200, why: 'how connections are kept is nobody’s affair' },
  { name: 'lost', status: 401, why: 'without a place to sign in' },
]

t.test('a server is asked in ingress-nginx’s words', async (t) => {
  const { proxy, web, auth, get, seen } = await stage(t)
  const lastAsked = (name: string) => seen(auth.requests.at(-1)?.fields, name)
  const lastSent = (name: string) => seen(web.requests.at(-1)?.fields, name)

  for (const { name, status, why } of outcomes) {
    const before = web.requests.length
    const answer = await get(name)
    t.equal(answer.status, status, `${name}: ${why}`)
    t.equal(web.requests.length - before, status === 200 ? 1 : 0, `${name}: what the web sees`)
  }
  t.same(fieldsOf(await get('no'), 'www-authenticate'), ['Basic realm="x"'])

  await t.test('what the server is told', async (t) => {
    await get('yes', '/form?x=1', {
      method: 'POST',
      body: 'secret=1',
      fields: [
        'Cookie: c=1',
        'Authorization: Basic eDp5',
        'X-Forwarded-Proto: https',
        'X-Original-URL: http://evil.test/',
        'X-Auth-Request-Redirect: http://evil.test/',
        'If-None-Match: "a"',
        'Range: bytes=0-1',
      ],
    })
    const asked = auth.requests.at(-1)
    t.equal(asked?.target, '/yes')
    t.equal(asked?.method, 'GET')
    t.same(lastAsked('host'), ['auth.default.svc.cluster.local'])
    t.same(lastAsked('cookie'), ['c=1'])
    t.same(lastAsked('authorization'), ['Basic eDp5'])
    t.same(lastAsked('x-original-url'), ['https://yes.test/form?x=1'])
    t.same(lastAsked('x-original-method'), ['POST'])
    t.same(lastAsked('x-auth-request-redirect'), ['/form?x=1'])
    t.same(lastAsked('x-sent-from'), ['nginx-ingress-controller'])
    t.same(lastAsked('x-real-ip'), ['127.0.0.1'])
    t.same(lastAsked('x-forwarded-for'), ['127.0.0.1'])
    t.equal(lastAsked('x-request-id').length, 1)
    for (const name of ['x-forwarded-proto', 'if-none-match', 'range', 'content-length'])
      t.same(lastAsked(name), [], name)
    t.same(lastAsked('x-original-uri'), [])
    t.same(lastSent('authorization'), ['Basic eDp5'], 'the application gets it, too')
  })

  await t.test('with a method, and a way back of its own', async (t) => {
    await get('method', '/x?y')
    t.equal(auth.requests.at(-1)?.method, 'POST')
    t.same(lastAsked('x-original-uri'), ['/x?y'])
    t.same(lastAsked('x-scheme'), ['http'])
    t.same(lastAsked('x-auth-request-redirect'), ['https://back.test/x'])
  })

  await t.test('variables are those of the request', async (t) => {
    await get('named', '/a%2Fb?y=1', { fields: ['X-To: a b#', 'Cookie: c=7'] })
    t.equal(
      auth.requests.at(-1)?.target,
      '/yes?uri=/a%2Fb?y=1&to=a%20b#&c=7&e=%2Fa%252Fb%3Fy%3D1'.replace('#', '%23'),
    )
  })

  await t.test('fields of the answer go upstream, never those of the client', async (t) => {
    await get('headers', '/', {
      fields: ['X-User: root', 'X-Groups: wheel', 'Authorization: Bearer t'],
    })
    t.same(lastAsked('authorization'), ['Bearer t'], 'the server sees what the client sent')
    t.same(lastSent('x-user'), ['ann'])
    t.same(lastSent('x-groups'), ['a, b'])
    t.same(lastSent('authorization'), [], 'what the server does not say is dropped')
  })

  await t.test('cookies of the server', async (t) => {
    t.same(fieldsOf(await get('cookies', '/'), 'set-cookie'), ['a=1', 'b=2'])
    t.same(fieldsOf(await get('cookies', '/error'), 'set-cookie'), [])
    t.same(fieldsOf(await get('always', '/error'), 'set-cookie'), ['a=1', 'b=2'])
  })

  await t.test('who is not signed in is sent there', async (t) => {
    const go = async (name: string) => {
      const answer = await get(name, '/a/b?c=d&e=(f)')
      t.equal(answer.status, 302)
      return fieldsOf(answer, 'location')[0]
    }
    const back = '%2Fa%2Fb%3Fc%3Dd%26e%3D%28f%29'
    t.equal(await go('signin'), `https://signin.test/oauth2/start?rd=http://signin.test${back}`)
    t.equal(await go('param'), `https://login.test/?a=1&back=http://param.test${back}`)
    t.equal(await go('own'), `https://login.test/?rd=https://own.test${back}`)
    t.equal(await go('path'), `http://path.test/oauth2/start?rd=http://path.test${back}`)
    t.same(fieldsOf(await get('signin'), 'set-cookie'), ['a=1', 'b=2'])
  })

  await t.test('answers that count again', async (t) => {
    const asked = async (name: string, user: string) => {
      const before = auth.requests.length
      t.equal((await get(name, '/', { fields: [`Authorization: ${user}`] })).status, 200)
      return auth.requests.length - before
    }
    t.equal(await asked('cached', 'a'), 1)
    t.equal(await asked('cached', 'a'), 0, 'the same key')
    t.equal(await asked('cached', 'b'), 1, 'another key')
    t.equal(await asked('kept', 'a'), 1)
    t.equal(await asked('kept', 'a'), 1, 'its own word goes before')
  })

  await t.test('more fields for the server', async (t) => {
    await until(
      'the ConfigMap',
      () => get('more'),
      ({ status }) => status === 200,
    )
    t.same(lastAsked('my-header'), ['42'])
    t.same(lastAsked('x-sent-from'), ['weir'], 'in the place of what it is told otherwise')
  })

  const problems = await problemsOf(proxy.adminPort)
  const of = (name: string) => problems.filter((problem) => problem.name === name)
  for (const name of ['foreign', 'metadata']) {
    t.match(of(name), [{ reason: 'auth-url-refused', remedy: /--auth-urls/ }])
  }
  t.match(of('missing'), [{ reason: 'asset-missing', message: /default\/missing/ }])
  t.match(of('lost'), [{ reason: 'invalid-annotation', field: /auth-signin/ }])
  t.match(of('alone'), [{ message: /no effect without `auth-url`/ }])
  for (const name of ['yes', 'signin', 'cached', 'kind']) t.same(of(name), [], name)
})
