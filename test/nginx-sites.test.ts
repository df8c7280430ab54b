// Do the hosts of ingress-nginx behave as they did? The real program with `--like ingress-nginx`, over sockets: patterns of a whole
// host, TLS of a whole host, other names, and what no rule serves.
import t from 'tap'
import type { Ingress } from '../shared/kube/objects.ts'
import { ask, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, type RuleSketch, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { fieldsOf } from './support/raw-client.ts'
import { readEcho, startEcho } from './support/upstream.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const https = ['X-Forwarded-Proto: https']

function site(
  name: string,
  rules: readonly RuleSketch[],
  annotations: Readonly<Record<string, string>> = {},
  tlsHost?: string,
): Ingress {
  const long = Object.entries(annotations).map(([key, value]) => [prefix + key, value] as const)
  const { spec, ...object } = ingressOf(name, rules, Object.fromEntries(long))
  const tls = tlsHost === undefined ? {} : { tls: [{ hosts: [tlsHost], secretName: 'missing' }] }
  return { ...object, spec: { ...spec, ingressClassName: 'nginx', ...tls } }
}

const rule = (host: string, path: string, pathType = 'Prefix', service = 'web'): RuleSketch => ({
  host,
  path,
  pathType,
  service,
})

const objects = [
  site('plain', [rule('regex.test', '/foo'), rule('regex.test', '/Exact', 'Exact', 'exact')]),
  site('pattern', [rule('regex.test', '/foo/ba.', 'ImplementationSpecific', 'pattern')], {
    'use-regex': 'true',
  }),
  site('same', [rule('same.test', '/same', 'Exact')], { 'rewrite-target': '/same' }),
  site('slash', [rule('slash.test', '/dir/'), rule('slash.test', '/')]),
  site('secure', [rule('secure.test', '/a'), rule('www2.secure.test', '/')], {}, 'secure.test'),
  site('solver', [rule('secure.test', '/.well-known/acme-challenge/token', 'Exact', 'solver')]),
  site('open', [rule('secure.test', '/open')], { 'ssl-redirect': 'false' }),
  site('alias', [rule('named.test', '/')], { 'server-alias': 'other.test, *.wild.test' }),
  site('www', [rule('bare.test', '/')], { 'from-to-www-redirect': 'true' }),
  site('root', [rule('root.test', '/app')], { 'app-root': '/app/' }),
  site('denied', [rule('denied.test', '/a')], { 'denylist-source-range': '127.0.0.0/8' }),
  site('gate', [rule('guarded.test', '/a')], {
    'server-snippet': 'location /b/private { return 403; }',
  }),
  site('beside', [rule('guarded.test', '/b')]),
  site('files', [rule('files.test', '/x.git', 'Exact'), rule('files.test', '/y', 'Exact')], {
    'use-regex': 'true',
    'server-snippet': 'location ~ \\.git { deny all; }',
  }),
  site('moved', [rule('moved.test', '/')], {
    'permanent-redirect': 'http://new.test',
    'denylist-source-range': '127.0.0.0/8',
  }),
]

interface Row {
  readonly url: string
  readonly fields?: readonly string[]
  readonly status: number
  readonly service?: string
  readonly target?: string
  readonly location?: string
  readonly why: string
}

const rows: readonly Row[] = [
  {
    url: 'guarded.test/b/private/x',
    status: 403,
    why: 'a server is one for all Ingresses of its host',
  },
  { url: 'files.test/x.git', status: 403, why: 'an Exact path among patterns is one of them' },
  { url: 'files.test/y', status: 200, why: 'and others are served' },
  { url: 'guarded.test/b/public', status: 200, why: 'what it does not name is served' },
  { url: 'regex.test/FOO/BAX', status: 200, service: 'pattern', why: 'patterns know no case' },
  { url: 'regex.test/foobar', status: 200, service: 'web', why: 'a prefix has no end of segment' },
  { url: 'regex.test/exact/ly', status: 200, service: 'exact', why: 'Exact is a pattern, too' },
  { url: 'regex.test/x/foo', status: 404, why: 'the begin counts' },
  { url: 'same.test/same?a=b', status: 200, target: '/same?a=b', why: 'no rewrite, no pattern' },
  { url: 'same.test/SAME', status: 404, why: 'so that case counts' },
  {
    url: 'slash.test/dir?a=b',
    status: 301,
    location: 'http://slash.test/dir/?a=b',
    why: 'the slash that the path has is missing',
  },
  { url: 'slash.test/dir/x', status: 200, why: 'here it is not' },
  { url: 'slash.test/dirs', status: 200, why: 'another path' },
  { url: 'secure.test/a/', status: 308, location: 'https://secure.test/a', why: 'TLS is there' },
  { url: 'secure.test/a', fields: https, status: 200, why: 'the client came by https' },
  {
    url: 'www2.secure.test/',
    status: 308,
    location: 'https://www2.secure.test',
    why: 'hosts that the TLS section does not name have the default certificate',
  },
  { url: 'secure.test/nothing', status: 308, why: 'what no rule serves is redirected, too' },
  {
    url: 'secure.test/.well-known/acme-challenge/token',
    status: 200,
    service: 'solver',
    why: 'cert-manager’s solver is asked by http',
  },
  { url: 'secure.test/open', status: 200, why: 'an explicit false' },
  { url: 'other.test/x', status: 200, why: 'another name' },
  { url: 'a.wild.test/x', status: 200, why: 'one label of a wildcard' },
  { url: 'a.b.wild.test/x', status: 404, why: 'not two' },
  { url: 'www.bare.test/x/?y', status: 308, location: 'http://bare.test/x/?y', why: 'www goes' },
  { url: 'www.bare.test/x/', status: 308, location: 'http://bare.test/x', why: 'with its slash' },
  { url: 'root.test/', status: 302, location: 'http://root.test/app/', why: 'no rule for /' },
  { url: 'root.test/x', status: 404, why: 'the root only' },
  { url: 'denied.test/a', status: 403, why: 'the list of the Ingress' },
  { url: 'denied.test/b', status: 403, why: 'holds where it has no rule, too' },
  {
    url: 'moved.test/',
    status: 301,
    location: 'http://new.test',
    why: 'a redirect is answered before anybody is asked who may come in',
  },
]

t.test('hosts with --like ingress-nginx', async (t) => {
  const services = ['web', 'exact', 'pattern', 'solver']
  const echoes = await Promise.all(services.map((service) => startEcho(service)))
  const folder = createManifestFolder([
    ...objects,
    ...services.flatMap((service, index) => {
      const echo = echoes[index]
      return echo === undefined ? [] : serviceOf(service, [echo])
    }),
  ])
  const flags = ['--manifests', folder.path, '--like', 'ingress-nginx']
  const proxy = await startProxyProcess({
    flags: [...flags, '--trusted-proxies', '127.0.0.1/32'],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all(echoes.map((echo) => echo.close()))
    folder.dispose()
  })
  for (const { url, fields = [], status, service, target, location, why } of rows) {
    await t.test(`${url}: ${why}`, async (t) => {
      const slash = url.indexOf('/')
      const [host, path] = [url.slice(0, slash), url.slice(slash)]
      const answer = await ask(proxy.port, { host, path, fields })
      t.equal(answer.status, status)
      if (location !== undefined) t.same(fieldsOf(answer, 'location'), [location])
      if (service !== undefined) t.equal(readEcho(answer.body).service, service)
      if (target !== undefined) t.equal(readEcho(answer.body).path, target)
    })
  }

  await t.test('a host that gets rules of its own is no other name any more', async (t) => {
    folder.write('late.json', [site('late', [rule('other.test', '/late')])])
    const statusOf = async (path: string) =>
      (await ask(proxy.port, { host: 'other.test', path })).status
    const isServed = (status: number) => status === 200
    await until(
      'the rule is there',
      () => statusOf('/x'),
      (status) => status === 404,
    )
    t.equal(await statusOf('/late'), 200)
    folder.write('late.json', [])
    await until('it is another name again', () => statusOf('/x'), isServed)
  })
})
