// Does the real program log in the format of the ConfigMap, leave out what is to be left out, and follow changes?
import t, { type Test } from 'tap'
import type { KubeObject } from '../shared/kube/objects.ts'
import { ask, metric, problemsOf, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from './support/proxy-process.ts'
import { fieldsOf } from './support/raw-client.ts'
import { startEcho } from './support/upstream.ts'

function mapOf(data: Readonly<Record<string, string>>): KubeObject {
  const metadata = { namespace: 'edge', name: 'nginx' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...{ data } }
}

async function stage(t: Test, flags: readonly string[]) {
  const [echo, folder] = [await startEcho('web'), createManifestFolder()]
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    ingressOf('quiet', [{ host: 'quiet.test', service: 'web' }], {
      'nginx.ingress.kubernetes.io/enable-access-log': 'false',
    }),
    ...serviceOf('web', [echo]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--config-map', 'edge/nginx', ...flags],
  })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
    folder.dispose()
  })
  return { echo, folder, proxy }
}

/** Sends a request and gives the line that it leaves. */
async function lineOf(proxy: ProxyProcess, id: string, path = '/', fields: readonly string[] = []) {
  await ask(proxy.port, { host: 'a.test', path, fields: [`X-Request-Id: ${id}`, ...fields] })
  const find = async () => proxy.lines.find((line) => line.includes(id))
  return until(`a line with ${id}`, find, (line) => line !== undefined)
}

t.test('as ingress-nginx logs by default, and as its ConfigMap says', async (t) => {
  const like = ['--like', 'ingress-nginx', '--ingress-class', 'weir']
  const { echo, folder, proxy } = await stage(t, like)
  const address = `127.0.0.1:${echo.port}`
  t.match(
    await lineOf(proxy, 'id-1', '/a?secret=1', ['User-Agent: test', 'Authorization: Basic YTpi']),
    new RegExp(
      `^127\\.0\\.0\\.1 - a \\[[^\\]]+\\] "GET /a HTTP/1\\.1" 200 \\d+ "-" "test" \\d+ \\d\\.\\d{3} \\[default-web-80\\] \\[\\] ${address} \\d+ \\d\\.\\d{3} 200 id-1$`,
    ),
  )

  folder.write('map.yaml', [
    mapOf({
      'log-format-upstream':
        '{"id": "$req_id", "from": "$http_x_forwarded_for", "agent": "$http_user_agent", "city": "$geoip_city", "status": $status}',
      'log-format-escape-json': 'true',
      'skip-access-log-urls': '/healthz',
    }),
  ])
  await until(
    'the new format',
    () => lineOf(proxy, `id-${Math.random()}`),
    (line) => line?.startsWith('{') === true,
  )
  const fields = ['X-Forwarded-For: 203.0.113.9', 'User-Agent: "quoted" \\ agent']
  const written = JSON.parse((await lineOf(proxy, 'id-2', '/', fields)) ?? '')
  t.strictSame(written, {
    id: 'id-2',
    from: '203.0.113.9',
    agent: '"quoted" \\ agent',
    city: '',
    status: 200,
  })
  t.match(await problemsOf(proxy.adminPort), [
    { reason: 'invalid-config-key', message: /has \$geoip_city, which Weir does not know/ },
  ])

  await ask(proxy.port, { host: 'a.test', path: '/healthz', fields: ['X-Request-Id: not-1'] })
  await ask(proxy.port, { host: 'quiet.test', fields: ['X-Request-Id: not-2'] })
  await ask(proxy.port, { host: 'nobody.test', fields: ['X-Request-Id: not-3'] })
  await lineOf(proxy, 'id-3')
  t.notMatch(proxy.lines.join('\n'), /not-\d/, 'skipped, switched off, taken by no route')
  t.equal(
    await metric(proxy.adminPort, 'weir_requests_total', {
      ...{ namespace: 'default', ingress: 'quiet', service: 'web' },
      ...{ method: 'GET', status: '200' },
    }),
    1,
    'they are counted all the same',
  )

  folder.write('map.yaml', [mapOf({ 'disable-access-log': 'true' })])
  const before = () => proxy.lines.length
  await until(
    'silence',
    async () => {
      const lines = before()
      await ask(proxy.port, { host: 'a.test' })
      await new Promise((resolve) => setTimeout(resolve, 300))
      return proxy.lines.length - lines
    },
    (more) => more === 0,
  )
  folder.write('map.yaml', [mapOf({})])
  await until(
    'lines again',
    async () => {
      await ask(proxy.port, { host: 'a.test', fields: ['X-Request-Id: id-4'] })
      return proxy.lines.some((line) => line.endsWith(' id-4'))
    },
    Boolean,
  )
})

t.test('what the options say stays where the ConfigMap says nothing', async (t) => {
  const { folder, proxy } = await stage(t, ['--access-log', 'json', '--log-queries'])
  t.match(JSON.parse((await lineOf(proxy, 'id-1', '/id-1')) ?? ''), { path: '/id-1', status: 200 })
  await ask(proxy.port, { host: 'nobody.test', path: '/id-2' })
  await until(
    'a line of a request without a route',
    async () => proxy.lines,
    (lines) => lines.some((line) => line.includes('id-2')),
  )
  folder.write('map.yaml', [mapOf({ 'log-format-upstream': '$req_id $request_uri' })])
  await until(
    'a query, since it is asked for',
    () => {
      const path = `/id-${Math.random()}`
      return lineOf(proxy, path, `${path}?b=c`)
    },
    (line) => line?.endsWith('?b=c') === true,
  )
})

t.test('--access-log off is stronger than a format', async (t) => {
  const { folder, proxy } = await stage(t, ['--access-log', 'off'])
  folder.write('map.yaml', [mapOf({ 'log-format-upstream': '$status', 'server-tokens': 'false' })])
  await until(
    'the ConfigMap',
    () => ask(proxy.port, { host: 'a.test' }),
    (answer) => fieldsOf(answer, 'server').length === 0,
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.strictSame(proxy.lines, [])
})
