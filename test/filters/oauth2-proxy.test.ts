// Does oauth2-proxy work with the manifests of its own documentation for ingress-nginx, unchanged? The real program, and an upstream
// that speaks as oauth2-proxy does.
import t, { type Test } from 'tap'
import { response } from '../exchange/pair.ts'
import { ask, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { startScripted } from '../support/upstream.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const provider = 'https://accounts.test/authorize'

/** The endpoints of oauth2-proxy: /oauth2/auth answers 202 or 401, /oauth2/start sends to the provider, which sends back. */
function oauth2Proxy(target: string, cookie: string): string {
  const { pathname, searchParams } = new URL(target, 'http://oauth2-proxy')
  const session = /\b_oauth2_proxy=(\w+)/.exec(cookie)?.[1]
  switch (pathname) {
    case '/oauth2/auth':
      return session === undefined
        ? response('401 Unauthorized', 'Unauthorized\n')
        : response(
            '202 Accepted',
            '',
            `X-Auth-Request-User: ${session}`,
            `X-Auth-Request-Email: ${session}@example.com`,
            'Set-Cookie: _oauth2_proxy=ann; Path=/; HttpOnly',
          )
    case '/oauth2/start':
      return response(
        '302 Found',
        '',
        `Location: ${provider}?state=${encodeURIComponent(searchParams.get('rd') ?? '')}`,
        'Set-Cookie: _oauth2_proxy_csrf=1; Path=/',
      )
    case '/oauth2/callback':
      return response(
        '302 Found',
        '',
        `Location: ${searchParams.get('state')}`,
        'Set-Cookie: _oauth2_proxy=ann; Path=/; HttpOnly',
      )
    default:
      return response('404 Not Found', '')
  }
}

const headers = { 'auth-response-headers': 'X-Auth-Request-User, X-Auth-Request-Email' }
const apps: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // As in the documentation of ingress-nginx and oauth2-proxy.
  same: {
    ...headers,
    'auth-url': 'https://$host/oauth2/auth',
    'auth-signin': 'https://$host/oauth2/start?rd=$escaped_request_uri',
  },
  service: {
    ...headers,
    'auth-url': 'http://oauth2-proxy.login.svc.cluster.local/oauth2/auth',
    'auth-signin': 'https://service.test/oauth2/start',
  },
  // Nobody serves /oauth2 there but the application that asks.
  lonely: { 'auth-url': 'https://$host/oauth2/auth' },
}

async function stage(t: Test) {
  const web = await startScripted({ onRequest: () => response('200 OK', 'report') })
  const login = await startScripted({
    onRequest: ({ target, fields }) =>
      oauth2Proxy(target, fields.find(([name]) => name.toLowerCase() === 'cookie')?.[1] ?? ''),
  })
  const ofLogin = ingressOf('oauth2-proxy', [
    { host: 'same.test', path: '/oauth2', service: 'oauth2-proxy' },
    { host: 'service.test', path: '/oauth2', service: 'oauth2-proxy' },
  ])
  const folder = createManifestFolder([
    ...Object.entries(apps).map(([name, own]) =>
      ingressOf(
        name,
        [{ host: `${name}.test`, service: 'web' }],
        Object.fromEntries(Object.entries(own).map(([key, value]) => [prefix + key, value])),
      ),
    ),
    { ...ofLogin, metadata: { name: 'oauth2-proxy', namespace: 'login' } },
    ...serviceOf('web', [web]),
    ...serviceOf('oauth2-proxy', [login], 'login'),
  ])
  const proxy = await startProxyProcess({
    flags: ['--like', 'ingress-nginx', '--ingress-class', 'weir', '--manifests', folder.path],
  })
  t.teardown(async () => {
    await proxy.stop()
    for (const each of [web, login]) await each.close()
    folder.dispose()
  })
  const get = (host: string, path: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${host}.test`, path, fields })
  await until(
    'routes',
    () => get('same', '/'),
    ({ status }) => status === 302,
  )
  return { web, login, get }
}

/** Path and query of where an answer leads. */
function next(answer: RawResponse): string {
  const { pathname, search } = new URL(fieldsOf(answer, 'location')[0] ?? '', 'http://none')
  return pathname + search
}

t.test('oauth2-proxy lets in who has signed in', async (t) => {
  const { web, login, get } = await stage(t)
  for (const host of ['same', 'service']) {
    await t.test(`asked by ${host}`, async (t) => {
      const before = web.requests.length
      const first = await get(host, '/report?year=2026')
      t.equal(first.status, 302, 'a browser that nobody knows is sent to sign in')
      const start = next(first)
      const back =
        host === 'same' ? '%2Freport%3Fyear%3D2026' : 'http://service.test%2Freport%3Fyear%3D2026'
      t.equal(start, `/oauth2/start?rd=${back}`)
      const started = await get(host, start)
      t.equal(started.status, 302, 'that page is open to all')
      const state = new URL(fieldsOf(started, 'location')[0] ?? '').searchParams.get('state') ?? ''
      const called = await get(host, `/oauth2/callback?state=${encodeURIComponent(state)}`)
      const [session = ''] = fieldsOf(called, 'set-cookie')
      t.equal(next(called), '/report?year=2026', 'and leads back')
      t.equal(web.requests.length, before, 'until now the application saw nothing')

      const cookie = `Cookie: theme=dark; ${session.split(';')[0]}`
      const served = await get(host, '/report?year=2026', cookie, 'X-Auth-Request-User: root')
      t.equal(served.body, 'report')
      t.same(fieldsOf(served, 'set-cookie'), ['_oauth2_proxy=ann; Path=/; HttpOnly'], 'renewed')
      const seen = web.requests.at(-1)?.fields.filter(([name]) => /^x-auth/i.test(name))
      t.same(
        seen?.map(([name, value]) => [name.toLowerCase(), value]),
        [
          ['x-auth-request-user', 'ann'],
          ['x-auth-request-email', 'ann@example.com'],
        ],
        'the application learns who it is, not what the client says',
      )
      const asked = Object.fromEntries(
        login.requests.at(-1)?.fields.map(([name, value]) => [name.toLowerCase(), value]) ?? [],
      )
      t.match(asked, { 'x-auth-request-redirect': '/report?year=2026', cookie: /theme=dark/ })
      t.equal((await get(host, '/report', 'Cookie: theme=dark')).status, 302)
    })
  }
  const before = web.requests.length
  t.equal((await get('lonely', '/')).status, 500, 'what is guarded itself is never asked')
  t.equal(web.requests.length, before)
})
