// What ingress-nginx's ConfigMap says about responses and limits of all Ingresses, over the wire, followed while it changes.
import t from 'tap'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startScripted } from '../support/upstream.ts'

const text = 'a text that repeats itself. '.repeat(40)
const configOf = (data: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'ingress-nginx', name: 'controller' },
  data,
})
const nginx = (annotations: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      `nginx.ingress.kubernetes.io/${key}`,
      value,
    ]),
  )

t.test('compression, statuses of refusals and the pace of responses for all', async (t) => {
  const web = await startScripted({
    onRequest: ({ target }) => {
      const big = target === '/big' ? `X-Big: ${'v'.repeat(5000)}\r\n` : ''
      return `HTTP/1.1 200 OK\r\nContent-Type: text/css\r\n${big}Content-Length: ${text.length}\r\n\r\n${text}`
    },
  })
  const site = (name: string, annotations: Readonly<Record<string, string>>) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], annotations)
  const folder = createManifestFolder([
    site('plain', {}),
    site('own', { 'weir.dev/compress': 'zstd' }),
    site('head', nginx({ 'proxy-buffer-size': '16k' })),
    site('rate', nginx({ 'limit-rpm': '1', 'limit-burst-multiplier': '1' })),
    ...serviceOf('web', [web]),
  ])
  folder.write('config.json', [
    configOf({ 'use-gzip': 'true', 'enable-brotli': 'true', 'limit-req-status-code': '429' }),
  ])
  const proxy = await startProxyProcess({
    flags: [
      ...['--manifests', folder.path, '--like', 'ingress-nginx', '--ingress-class', 'weir'],
      ...['--config-map', 'ingress-nginx/controller'],
    ],
  })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    folder.dispose()
  })
  const get = (name: string, path = '/', coding = 'gzip, br, zstd') =>
    ask(proxy.port, { host: `${name}.test`, path, fields: [`Accept-Encoding: ${coding}`] })
  const codingOf = async (...asked: Parameters<typeof get>) =>
    fieldsOf(await get(...asked), 'content-encoding')[0]

  t.equal(await codingOf('plain'), 'br')
  t.equal(await codingOf('plain', '/', 'gzip'), 'gzip')
  t.equal(await codingOf('own'), 'zstd', 'an Ingress has the last word')
  const statuses = []
  for (let at = 0; at < 3; at += 1) statuses.push((await get('rate')).status)
  t.same(statuses, [200, 200, 429])
  t.match(
    await get('plain', '/big'),
    { status: 502, body: /response-head-too-large/ },
    'as nginx: 4k',
  )
  t.equal((await get('head', '/big')).status, 200, 'an Ingress may allow more')
  t.same(await problemsOf(proxy.adminPort), [])

  folder.write('config.json', [configOf({ 'gzip-level': '10', 'limit-rate': '1' })])
  await until(
    'nothing is compressed',
    () => codingOf('plain'),
    (coding) => coding === undefined,
  )
  const began = performance.now()
  t.equal((await get('plain')).body, text)
  t.ok(performance.now() - began > 50, 'the first KiB goes at once, the rest as time passes')
  t.match(await problemsOf(proxy.adminPort), [{ kind: 'ConfigMap', message: /from 1 to 9/ }])
})
