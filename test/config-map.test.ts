// Does the real program follow ingress-nginx's ConfigMap, in manifests and in a cluster, without a restart, and what does it
// serve without the right to read it?
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { KubeObject } from '../shared/kube/objects.ts'
import { configMaps } from '../shared/kube/resources.ts'
import { createApiServer } from '../shared/testing/api-server.ts'
import { ask, problemsOf, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { connectRaw, fieldsOf } from './support/raw-client.ts'
import { echoFields, okResponse, readEcho, startEcho, startScripted } from './support/upstream.ts'

const flags = ['--like', 'ingress-nginx', '--ingress-class', 'weir', '--config-map', 'edge/nginx']

function mapOf(data: Readonly<Record<string, string>>): KubeObject {
  const metadata = { namespace: 'edge', name: 'nginx' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...{ data } }
}

t.test('in manifests: each change counts, for connections that are open as well', async (t) => {
  const [echo, folder] = [await startEcho('web'), createManifestFolder()]
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    ingressOf('own', [{ host: 'own.test', service: 'web' }], {
      'nginx.ingress.kubernetes.io/proxy-body-size': '2k',
    }),
    ...serviceOf('web', [echo]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, ...flags] })
  const client = await connectRaw(proxy.port)
  t.teardown(async () => {
    client.close()
    await proxy.stop()
    await echo.close()
    folder.remove('web.yaml')
  })
  const post = async (host: string, bytes: number) =>
    (await ask(proxy.port, { host, method: 'POST', body: 'x'.repeat(bytes) })).status
  const kept = async () => {
    const head =
      'GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\nx_under: 1\r\n\r\n'
    const { status, body } = await client.request(head)
    return status === 200 ? readEcho(body) : undefined
  }

  t.match(await problemsOf(proxy.adminPort), [{ reason: 'asset-missing', kind: 'ConfigMap' }])
  t.equal(await post('a.test', (1 << 20) + 1), 413, 'ingress-nginx allows 1 MiB')
  t.equal(await post('a.test', 4000), 200)
  t.equal(await post('own.test', 4000), 413, 'the annotation')
  t.strictSame(echoFields(await kept(), 'x-real-ip'), ['127.0.0.1'])
  t.strictSame(echoFields(await kept(), 'x_under'), [])

  folder.write('map.yaml', [
    mapOf({
      'proxy-body-size': '1k',
      'use-forwarded-headers': 'true',
      'enable-underscores-in-headers': 'true',
      'proxy-read-timeout': '1m',
    }),
  ])
  await until(
    'the new size',
    () => post('a.test', 1025),
    (status) => status === 413,
  )
  t.equal(await post('a.test', 1024), 200)
  t.equal(await post('own.test', 2000), 200, 'the annotation is stronger')
  const echoed = await kept()
  t.strictSame(echoFields(echoed, 'x-real-ip'), ['203.0.113.9'])
  t.strictSame(echoFields(echoed, 'x_under'), ['1'])
  t.match(await problemsOf(proxy.adminPort), [
    {
      reason: 'invalid-config-key',
      kind: 'ConfigMap',
      namespace: 'edge',
      name: 'nginx',
      field: 'data["proxy-read-timeout"]',
    },
  ])

  folder.write('map.yaml', [mapOf({ 'denylist-source-range': '127.0.0.1' })])
  await until(
    'the list',
    () => post('a.test', 1),
    (status) => status === 403,
  )
  t.strictSame(echoFields(await kept(), 'x-real-ip'), [], 'kept out')
  folder.write('map.yaml', [mapOf({ 'denylist-source-range': '127.0.0.300' })])
  await until(
    'closed',
    () => post('a.test', 1),
    (status) => status === 503,
  )
  folder.write('map.yaml', [mapOf({})])
  await until(
    'open',
    () => post('a.test', 1),
    (status) => status === 200,
  )
})

t.test('fields of all routes, and Strict-Transport-Security where there is TLS', async (t) => {
  const [echo, folder] = [await startEcho('web'), createManifestFolder()]
  const tls = ingressOf('tls', [{ host: 'tls.test', service: 'web' }])
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    { ...tls, ...{ spec: { ...tls.spec, tls: [{ hosts: ['tls.test'] }] } } },
    ...serviceOf('web', [echo]),
    mapOf({
      'add-headers': 'edge/more',
      'proxy-set-headers': 'edge/up',
      'hide-headers': 'Content-Type',
      'hsts-max-age': '60',
      'hsts-preload': 'true',
    }),
    {
      ...mapOf({ 'X-More': 'yes', 'X-Bad': '$host', Connection: 'x' }),
      metadata: { namespace: 'edge', name: 'more' },
    },
    { ...mapOf({ 'X-Up': 'yes' }), metadata: { namespace: 'edge', name: 'up' } },
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, ...flags, '--trusted-proxies', '127.0.0.0/8'],
  })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
  })
  const more = (host: string, https = true) =>
    ask(proxy.port, { host, fields: ['X-Up: no', ...(https ? ['X-Forwarded-Proto: https'] : [])] })
  await until(
    'the fields',
    async () => fieldsOf(await more('a.test'), 'x-more'),
    ([value]) => value === 'yes',
  )
  const plain = await more('a.test')
  t.strictSame(echoFields(readEcho(plain.body), 'x-up'), ['yes'])
  t.strictSame(fieldsOf(plain, 'content-type'), [])
  t.strictSame(fieldsOf(plain, 'x-bad'), [])
  t.strictSame(fieldsOf(plain, 'strict-transport-security'), [], 'the host has no TLS')
  const policy = 'max-age=60; includeSubDomains; preload'
  t.strictSame(fieldsOf(await more('tls.test'), 'strict-transport-security'), [policy])
  const insecure = await more('tls.test', false)
  t.equal(insecure.status, 308)
  t.strictSame(fieldsOf(insecure, 'strict-transport-security'), [], 'RFC 6797 §7.2')
  t.strictSame(fieldsOf(insecure, 'x-more'), ['yes'], 'answers of ours have them, too')
})

const namesItself = ({ target }: { readonly target: string }) =>
  target === '/unnamed' ? okResponse : okResponse.replace('\r\n', '\r\nServer: app/1\r\n')

t.test('who is named in Server: with each word of the ConfigMap, and by the option', async (t) => {
  const [echo, folder] = [await startScripted({ onRequest: namesItself }), createManifestFolder()]
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    ...serviceOf('web', [echo]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, ...flags] })
  const own = await startProxyProcess({
    flags: ['--manifests', folder.path, '--server-header', 'own'],
  })
  t.teardown(async () => {
    await Promise.all([proxy.stop(), own.stop(), echo.close()])
  })
  const servers = async (port = proxy.port) => {
    const named = await ask(port, { host: 'a.test' })
    const unnamed = await ask(port, { host: 'a.test', path: '/unnamed' })
    const ours = await ask(port, { host: 'nobody.test' })
    return [named, unnamed, ours].map((answer) => fieldsOf(answer, 'server').join() || '-').join()
  }
  t.equal(await servers(), '-,-,-', 'as ingress-nginx by default')
  t.equal(await servers(own.port), 'weir,weir,weir')
  for (const { data, is } of [
    { data: { 'server-tokens': 'true' }, is: 'weir,weir,weir' },
    {
      data: { 'server-tokens': 'true', 'allow-backend-server-header': 'true' },
      is: 'app/1,weir,weir',
    },
    { data: { 'server-tokens': 'false', 'allow-backend-server-header': 'true' }, is: '-,-,-' },
  ]) {
    folder.write('map.yaml', [mapOf(data)])
    await until(JSON.stringify(data), servers, (found) => found === is)
  }
})

t.test('in a cluster: read by its name, and nothing is served before it may be', async (t) => {
  const [api, echo] = await Promise.all([createApiServer(), startEcho('web')])
  const home = mkdtempSync(join(tmpdir(), 'weir-config-map-'))
  for (const object of [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    ...serviceOf('web', [echo]),
  ])
    api.put({ ...object, metadata: { ...object.metadata, namespace: 'shop' } })
  api.put(mapOf({ 'denylist-source-range': '127.0.0.1' }))
  const allow = api.faults.deny(['list', 'watch'], configMaps)
  const proxy = await startProxyProcess({
    flags: ['--kubeconfig', await api.kubeconfigFile(home), ...flags],
    waitFor: 'listening',
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([api.close(), echo.close()])
    rmSync(home, { recursive: true, force: true })
  })
  const status = async () => (await ask(proxy.port, { host: 'a.test' })).status
  await until(
    'a word about the right',
    async () => proxy.stderr,
    (text) => text.includes('Set configMap of the chart to edge/nginx'),
  )
  t.equal(await status(), 503, 'it may keep this client out')
  allow()
  await until('the list', status, (found) => found === 403)
  const asked = api.requests.filter(({ resource }) => resource === configMaps)
  t.strictSame([...new Set(asked.map(({ query }) => query.fieldSelector))], ['metadata.name=nginx'])
  t.strictSame([...new Set(asked.map(({ namespace }) => namespace))], ['edge'])
  api.put(mapOf({}))
  await until('the change', status, (found) => found === 200)
  api.remove(configMaps, 'edge', 'nginx')
  await until(
    'a problem',
    () => problemsOf(proxy.adminPort),
    ({ length }) => length === 1,
  )
  t.equal(await status(), 200)
})
