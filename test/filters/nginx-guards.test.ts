// How do guards and fixed answers count together in ingress-nginx's words, and what does the ConfigMap say of all Ingresses? The
// real program with `--like ingress-nginx`.
import t from 'tap'
import { response } from '../exchange/pair.ts'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const basic = `Authorization: Basic ${Buffer.from('ann:secret').toString('base64')}`
const server = 'http://auth.default.svc.cluster.local'
const users = { 'auth-type': 'basic', 'auth-secret': 'users' }
const office = { 'whitelist-source-range': '192.0.2.0/24' }
const inOffice = 'X-Forwarded-For: 192.0.2.7'
const any = { satisfy: 'any' }

const keys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  any: { ...any, ...users, ...office },
  all: { satisfy: 'all', ...users, ...office },
  three: {
    ...{ ...any, ...users, ...office },
    ...{ 'auth-url': `${server}/cookie`, 'auth-response-headers': 'X-User' },
  },
  signin: { ...any, ...users, 'auth-url': `${server}/cookie`, 'auth-signin': 'https://$host/in' },
  dead: { ...any, ...office, 'auth-url': 'http://gone.default.svc.cluster.local/' },
  one: { ...any, ...users },
  denied: { ...any, ...users, 'denylist-source-range': '203.0.113.0/24' },
  sent: { ...users, ...office, 'permanent-redirect': 'https://new.test' },
  secure: { ...users, 'force-ssl-redirect': 'true' },
  cors: { ...users, 'enable-cors': 'true' },
  limited: { ...users, 'limit-rpm': '1', 'limit-burst-multiplier': '1' },
  open: {},
  free: { 'enable-global-auth': 'false' },
  own: { 'auth-url': `${server}/cookie` },
  secret: { 'auth-secret': 'users', 'auth-signin': '' },
}

const exchanges = [
  { host: 'any', given: [], status: 401, why: 'neither of both' },
  { host: 'any', given: [basic], status: 200, why: 'a password is enough' },
  { host: 'any', given: [inOffice], status: 200, why: 'so is an address' },
  { host: 'all', given: [basic], status: 403, why: 'both are needed' },
  { host: 'all', given: [inOffice], status: 401, why: 'both are needed' },
  { host: 'all', given: [inOffice, basic], status: 200, why: 'both are there' },
  { host: 'three', given: ['Cookie: ok=1'], status: 200, why: 'the server is enough' },
  { host: 'three', given: [], status: 401, why: 'none of three' },
  { host: 'signin', given: [], status: 302, why: 'who is not let in is sent to sign in' },
  { host: 'signin', given: [basic], status: 200, why: 'or has a password' },
  { host: 'dead', given: [], status: 500, why: 'what cannot be asked is no yes' },
  { host: 'dead', given: [inOffice], status: 200, why: 'and is not asked when it need not be' },
  { host: 'one', given: [], status: 401, why: 'one of one' },
  { host: 'denied', given: [], status: 401, why: 'who is on no list is let in by none' },
  { host: 'denied', given: [basic], status: 200, why: 'a password is enough' },
  { host: 'sent', given: [], status: 301, why: 'redirects come before guards' },
  { host: 'secure', given: [basic], status: 308, why: 'so does https' },
  { host: 'open', given: [], status: 401, why: 'the server of all' },
  { host: 'open', given: ['Cookie: ok=1'], status: 200, why: 'lets in' },
  { host: 'free', given: [], status: 200, why: 'but not here' },
  { host: 'own', given: ['Cookie: ok=1'], status: 200, why: 'one of its own goes before' },
  { host: 'secret', given: ['Cookie: ok=1'], status: 200, why: 'a key without its whole' },
]

t.test('guards count together as ingress-nginx has them', async (t) => {
  const web = await startEcho('web')
  const auth = await startScripted({
    onRequest: ({ fields }) =>
      response(
        fields.some(([name]) => name.toLowerCase() === 'cookie') ? '200 OK' : '401 Unauthorized',
        '',
        'X-User: ann',
      ),
  })
  const namesOf = (own: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(own).map(([key, value]) => [prefix + key, value]))
  const ingresses = Object.entries(keys).map(([name, own]) =>
    ingressOf(
      name,
      [
        { host: `${name}.test`, service: 'web' },
        { host: `${name}.test`, path: '/.well-known/acme-challenge', service: 'web' },
        { host: `${name}.test`, path: '/noauth', service: 'web' },
      ],
      {
        ...(name === 'open' || name === 'free' ? {} : { [`${prefix}enable-global-auth`]: 'false' }),
        ...namesOf(own),
      },
    ),
  )
  const configMap = (data: Readonly<Record<string, string>>) => [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'all', namespace: 'default' }, data },
  ]
  const settings = {
    'global-auth-url': `${server}/global`,
    'global-auth-response-headers': 'X-User',
    'no-auth-locations': '/.well-known/acme-challenge,/noauth',
  }
  const folder = createManifestFolder([
    ...ingresses,
    ...serviceOf('web', [web]),
    ...serviceOf('auth', [auth]),
  ])
  folder.write('config.json', configMap(settings))
  folder.write('secret.json', [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'users', namespace: 'default' },
      ...{ stringData: { auth: 'ann:{PLAIN}secret' } },
    },
  ])
  const proxy = await startProxyProcess({
    flags: [
      ...['--like', 'ingress-nginx', '--ingress-class', 'weir', '--config-map', 'default/all'],
      ...['--trusted-proxies', '127.0.0.1/32', '--trusted-fields', 'all'],
      ...['--manifests', folder.path],
    ],
  })
  t.teardown(async () => {
    await proxy.stop()
    for (const each of [web, auth]) await each.close()
    folder.dispose()
  })
  const get = (host: string, fields: readonly string[] = [], path = '/', method = 'GET') =>
    ask(proxy.port, { host: `${host}.test`, fields, path, method })
  const becomes = (host: string, status: number) =>
    until(
      `${host} ${status}`,
      () => get(host),
      (answer) => answer.status === status,
    )
  await becomes('one', 401)

  for (const { host, given, status, why } of exchanges) {
    const before = web.requests.length
    const answer = await get(host, given)
    t.equal(answer.status, status, `${host}: ${why}`)
    t.equal(web.requests.length - before, status === 200 ? 1 : 0, `${host}: what the web sees`)
  }
  t.match(fieldsOf(await get('signin'), 'location')[0], /^https:\/\/signin\.test\/in\?rd=/)
  t.match((await get('open', ['Cookie: ok=1', 'X-User: root'])).body, /"ann"/)
  for (const by of [inOffice, basic]) {
    const { status, body } = await get('three', [by, 'X-User: root'])
    t.equal(status, 200)
    t.notMatch(body, /root/, 'who is not asked about vouches for no name')
  }
  t.match((await get('three', ['Cookie: ok=1', 'X-User: root'])).body, /"ann"/)
  t.notMatch((await get('any', [basic])).body, /authorization/i, 'the password stays here')

  const preflight = ['Origin: https://b.test', 'Access-Control-Request-Method: GET']
  t.equal((await get('cors', preflight, '/', 'OPTIONS')).status, 204, 'preflights bring nothing')
  for (const _ of [1, 2]) t.equal((await get('limited')).status, 401)
  t.equal((await get('limited')).status, 503, 'limits come before passwords')
  for (const host of ['one', 'own', 'open']) {
    t.equal((await get(host, [], '/.well-known/acme-challenge/x')).status, 200, `${host}: acme`)
    t.equal((await get(host, [], '/noauth/x')).status, 200, `${host}: a path that is open`)
  }
  t.equal((await get('all', [], '/noauth')).status, 403, 'addresses still count there')

  folder.write('config.json', configMap({ ...settings, 'global-auth-url': '' }))
  await becomes('open', 200)
  folder.write('config.json', configMap({ 'global-auth-url': 'auth' }))
  await becomes('open', 503)
  t.match(
    (await problemsOf(proxy.adminPort)).filter(({ kind }) => kind === 'ConfigMap'),
    [{ reason: 'invalid-config-key', message: /All routes answer 503/ }],
  )
})
