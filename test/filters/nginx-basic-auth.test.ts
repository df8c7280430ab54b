// Names and passwords in ingress-nginx's words: the real program, with Ingresses and Secrets in manifests.
import t from 'tap'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startEcho } from '../support/upstream.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const basic = (text: string) => `Authorization: Basic ${Buffer.from(text).toString('base64')}`
const secretOf = (name: string, data: Readonly<Record<string, string>>, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData: data,
})

// Of htpasswd, of crypt(3), and as they are; the password is `secret`.
const users = [
  '# the shop',
  'bcrypt:$2y$05$mwWcoCWuGPk/iCUqxIX57eOgW94n74aW4G7OuXaZqe3BTpxv7YZEK',
  'sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
  'ssha:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0',
  'plain:{PLAIN}secret:the rest is a comment',
  'des:abNANd1rDfiNc',
  'md5:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1',
  'sha256:$5$saltstring$C3o4O1TC6aRHF4FI.QSZMXtHbaj2gSXr4sUc/3NcUi.',
  'sha:{PLAIN}other',
  'none:',
].join('\r\n')

const keys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'the shop' },
  map: { 'auth-type': 'basic', 'auth-secret': 'default/map', 'auth-secret-type': 'auth-map' },
  bare: { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': '' },
  missing: { 'auth-type': 'basic', 'auth-secret': 'gone' },
  wrong: { 'auth-type': 'basic', 'auth-secret': 'map' },
  foreign: { 'auth-type': 'basic', 'auth-secret': 'other/users' },
  digest: { 'auth-type': 'digest', 'auth-secret': 'users' },
  kind: { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-secret-type': 'auth-list' },
  realm: { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'a "quoted" one' },
  alone: { 'auth-secret': 'users' },
  without: { 'auth-type': 'basic' },
}

const exchanges = [
  { host: 'file', given: [], status: 401, why: 'a name is needed' },
  { host: 'file', given: ['bcrypt:bar'], status: 200, why: 'bcrypt' },
  { host: 'file', given: ['bcrypt:secret'], status: 401, why: 'another password' },
  { host: 'file', given: ['sha:secret'], status: 200, why: '{SHA}' },
  { host: 'file', given: ['sha:other'], status: 401, why: 'of two lines the first counts' },
  { host: 'file', given: ['ssha:secret'], status: 200, why: '{SSHA}' },
  { host: 'file', given: ['plain:secret'], status: 200, why: '{PLAIN}, up to the next colon' },
  { host: 'file', given: ['des:secret'], status: 200, why: 'crypt(3) with DES' },
  { host: 'file', given: ['md5:secret'], status: 200, why: 'crypt(3) with MD5' },
  { host: 'file', given: ['sha256:secret'], status: 200, why: 'crypt(3) with SHA-256' },
  { host: 'file', given: ['none:'], status: 401, why: 'an empty hash fits nothing' },
  { host: 'file', given: ['# the shop:'], status: 401, why: 'a comment is no user' },
  { host: 'map', given: ['ann:secret'], status: 200, why: 'an entry per user' },
  { host: 'map', given: ['bob:secret'], status: 401, why: 'there is no such entry' },
  { host: 'bare', given: [], status: 401, why: 'a realm is not needed' },
  { host: 'missing', given: ['sha:secret'], status: 503, why: 'there is no such Secret' },
  { host: 'wrong', given: ['ann:secret'], status: 503, why: 'it has no entry auth' },
  { host: 'foreign', given: ['sha:secret'], status: 503, why: 'a Secret of another namespace' },
  { host: 'digest', given: ['sha:secret'], status: 503, why: 'digests are not supported' },
  { host: 'kind', given: ['sha:secret'], status: 503, why: 'no such kind of Secret' },
  {
    host: 'realm',
    given: ['sha:secret'],
    status: 200,
    why: 'a realm that cannot be shown is left out',
  },
  { host: 'realm', given: [], status: 401, why: 'and the guard stays' },
  { host: 'alone', given: ['sha:secret'], status: 503, why: 'a Secret that nothing asks for' },
  { host: 'without', given: ['sha:secret'], status: 503, why: 'there is no Secret' },
]

t.test('names and passwords in ingress-nginx’s words', async (t) => {
  const web = await startEcho('web')
  const folder = createManifestFolder([
    ...Object.entries(keys).map(([name, own]) =>
      ingressOf(
        name,
        [{ host: `${name}.test`, service: 'web' }],
        Object.fromEntries(Object.entries(own).map(([key, value]) => [prefix + key, value])),
      ),
    ),
    ...serviceOf('web', [web]),
    secretOf('users', { auth: users }),
    secretOf('users', { auth: users }, 'other'),
    secretOf('map', { ann: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' }),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    folder.dispose()
  })
  const get = (host: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${host}.test`, fields })
  const isThere = ({ status }: { status: number }) => status === 401
  for (const host of ['file', 'map', 'bare']) await until(host, () => get(host), isThere)

  for (const { host, given, status, why } of exchanges) {
    const before = web.requests.length
    const answer = await get(host, ...given.map(basic))
    t.equal(answer.status, status, `${host}: ${why}`)
    t.equal(web.requests.length - before, status === 200 ? 1 : 0, `${host}: what the web sees`)
    if (status === 200) t.notMatch(answer.body, /authorization/i, 'the password stays here')
  }
  t.same(fieldsOf(await get('file'), 'www-authenticate'), ['Basic realm="the shop"'])
  t.same(fieldsOf(await get('bare'), 'www-authenticate'), ['Basic realm=""'])

  const problems = await problemsOf(proxy.adminPort)
  const of = (name: string) => problems.filter((problem) => problem.name === name)
  t.match(of('missing'), [{ reason: 'asset-missing', message: /default\/gone/ }])
  t.match(of('wrong'), [{ reason: 'asset-unusable', message: /has no entry auth/ }])
  t.match(of('foreign'), [{ reason: 'invalid-annotation', message: /another namespace/ }])
  t.match(of('digest'), [{ reason: 'invalid-annotation', message: /digests/ }])
  t.match(of('alone'), [{ message: /no effect without `auth-type: basic`/ }])
  t.match(of('without'), [{ message: /no Secret with the users/ }])
  t.same(of('file'), [])
})
