// Does a snippet of nginx's configuration do on the wire what it says? The real program, one Ingress per snippet.
import t from 'tap'
import { ask, problemsOf } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw, fieldsOf } from '../support/raw-client.ts'
import { echoFields, readEcho, startEcho } from '../support/upstream.ts'

const nginx = 'nginx.ingress.kubernetes.io'

interface Row {
  readonly name: string
  readonly configuration?: string
  readonly server?: string
  readonly path?: string
  readonly from?: string
  readonly status: number
  readonly gets?: Readonly<Record<string, readonly string[]>>
  readonly sees?: Readonly<Record<string, readonly string[]>>
  readonly body?: RegExp
  readonly why: string
}

const rows: readonly Row[] = [
  {
    name: 'headers',
    configuration: 'more_set_headers "X-Frame-Options: DENY"; more_clear_headers Server;',
    status: 200,
    gets: { 'X-Frame-Options': ['DENY'], Server: [] },
    why: 'set and cleared',
  },
  {
    name: 'own',
    configuration: 'more_set_headers "X-A: b"; deny all;',
    status: 403,
    gets: { 'X-A': ['b'] },
    why: 'what Weir answers itself has the headers, too',
  },
  {
    name: 'add',
    configuration: 'add_header X-A b; add_header X-Id $request_id always; deny all;',
    status: 403,
    gets: { 'X-A': [] },
    why: 'without always not on errors',
  },
  {
    name: 'request',
    configuration:
      'proxy_set_header X-Route "$namespace/$ingress_name to $service_name:$service_port"; proxy_set_header X-Real $remote_addr;',
    status: 200,
    sees: { 'X-Route': ['default/request to web:80'], 'X-Real': ['127.0.0.1'] },
    why: 'names of the route and facts of the client',
  },
  {
    name: 'host',
    configuration: 'proxy_set_header Host "inner.$host";',
    status: 200,
    sees: { Host: ['inner.host.test'] },
    why: 'another Host',
  },
  {
    name: 'rules',
    configuration: 'allow 127.0.0.2; deny all;',
    from: '127.0.0.2',
    status: 200,
    why: 'who is allowed',
  },
  {
    name: 'moved',
    configuration: 'rewrite ^/old/(.*)$ https://new.test/$1 permanent;',
    path: '/old/a?b=c',
    status: 301,
    gets: { Location: ['https://new.test/a?b=c'] },
    why: 'a redirect by pattern',
  },
  {
    name: 'stays',
    configuration: 'rewrite ^/old/(.*)$ https://new.test/$1 permanent;',
    path: '/x',
    status: 200,
    why: 'other paths are served',
  },
  {
    name: 'robots',
    server:
      'location = /robots.txt { default_type text/plain; return 200 "User-agent: *\\n"; } add_header X-Robots-Tag noindex;',
    path: '/robots.txt',
    status: 200,
    body: /^User-agent: \*\n$/,
    gets: { 'Content-Type': ['text/plain'] },
    why: 'a text of Weir’s own',
  },
  {
    name: 'hidden',
    server: 'location ~ /\\.(git|env) { deny all; return 404; }',
    path: '/a/.git/config',
    status: 404,
    why: 'a pattern that hides files',
  },
  {
    name: 'inner',
    server: 'location = /metrics { deny all; }',
    path: '//metrics',
    status: 403,
    why: 'slashes are merged before a location is looked for',
  },
  {
    name: 'escaped',
    server: 'location /@me { deny all; }',
    path: '/%40me/x',
    status: 403,
    why: 'so are escapes decoded',
  },
  {
    name: 'folded',
    server: 'location ~* ^/secret/ { deny all; }',
    path: '/secret%2Fx',
    status: 403,
    why: 'those of slashes, too',
  },
  {
    name: 'both',
    configuration: 'add_header X-A location;',
    server: 'add_header X-B server; more_set_headers "X-C: server";',
    status: 200,
    gets: { 'X-A': ['location'], 'X-B': [], 'X-C': ['server'] },
    why: 'add_header of a location hides that of its server, as nginx has it',
  },
  {
    name: 'closed',
    configuration: 'more_set_headers "X-A: b"; sub_filter a b;',
    status: 503,
    body: /policy-closed/,
    why: 'one directive outside of the list',
  },
]

t.test('snippets', async (t) => {
  const web = await startEcho('web')
  const folder = createManifestFolder([
    ...rows.map(({ name, configuration, server }) =>
      ingressOf(name, [{ host: `${name}.test`, service: 'web' }], {
        ...(configuration === undefined
          ? {}
          : { [`${nginx}/configuration-snippet`]: configuration }),
        ...(server === undefined ? {} : { [`${nginx}/server-snippet`]: server }),
      }),
    ),
    ingressOf('drop', [{ host: 'drop.test', service: 'web' }], {
      [`${nginx}/server-snippet`]: 'return 444;',
    }),
    ...serviceOf('web', [web]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    folder.dispose()
  })
  for (const { name, path, from, status, gets = {}, sees = {}, body = /./, why } of rows) {
    await t.test(`${name}: ${why}`, async (t) => {
      const answer = await ask(proxy.port, {
        host: `${name}.test`,
        ...(path === undefined ? {} : { path }),
        ...(from === undefined ? {} : { from }),
      })
      t.equal(answer.status, status)
      t.match(answer.body, body)
      for (const [field, values] of Object.entries(gets)) {
        t.same(fieldsOf(answer, field), values, field)
      }
      for (const [field, values] of Object.entries(sees)) {
        t.same(echoFields(readEcho(answer.body), field), values, field)
      }
    })
  }
  await t.test('444 closes the connection without an answer', async (t) => {
    const client = await connectRaw(proxy.port)
    client.send('GET / HTTP/1.1\r\nHost: drop.test\r\n\r\n')
    t.equal(await client.whenEnded(), 'fin')
    t.equal(client.text, '')
  })
  const problems = await problemsOf(proxy.adminPort)
  t.match(problems, [
    { name: 'closed', message: /holds \\?"sub_filter a b\\?", which is not read/ },
  ])
})
