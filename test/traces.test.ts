// Do requests leave spans at a collector, by options, the ConfigMap and annotations, and does a collector that is slow or away
// cost nothing but spans?
import t from 'tap'
import type { KubeObject } from '../shared/kube/objects.ts'
import { ask, metric, problemsOf, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { type ReceivedSpan, startOtlpReceiver } from './support/otlp-receiver.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { type Echo, echoFields, readEcho, startEcho } from './support/upstream.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'
const leaves = ['--drain-seconds', '0']
const traceparent = `traceparent: 00-${traceId}-${parentId}-01`

function mapOf(data: Readonly<Record<string, string>>): KubeObject {
  const metadata = { namespace: 'edge', name: 'nginx' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...{ data } }
}

/** The span that an upstream was told of. */
function toldSpan(echo: Echo): string {
  return echoFields(echo, 'traceparent')[0]?.split('-')[2] ?? ''
}

t.test('--otlp-endpoint: each request leaves a span, and the upstream is told of it', async (t) => {
  const [receiver, echo, folder] = [
    await startOtlpReceiver(),
    await startEcho('web'),
    createManifestFolder(),
  ]
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', path: '/shop', service: 'web' }]),
    ingressOf('dead', [{ host: 'dead.test', service: 'dead' }]),
    ingressOf('away', [{ host: 'away.test', service: 'web' }], {
      'nginx.ingress.kubernetes.io/temporal-redirect': 'https://else.test/',
    }),
    ...serviceOf('web', [echo]),
    ...serviceOf('dead', [{ address: '127.0.0.1', port: 9 }]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--otlp-endpoint', `${receiver.url}/`, ...leaves],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([receiver.close(), echo.close()])
    folder.dispose()
  })
  const before = BigInt(Date.now()) * 1_000_000n
  const told = await ask(proxy.port, {
    host: 'a.test',
    path: '/shop/1?token=secret',
    fields: [traceparent, 'tracestate: rojo=1', 'User-Agent: test'],
  })
  const first = readEcho(told.body)
  t.match(echoFields(first, 'traceparent'), [new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`)])
  t.strictSame(echoFields(first, 'tracestate'), ['rojo=1'])
  const begun = readEcho((await ask(proxy.port, { host: 'a.test', path: '/shop' })).body)
  t.match(echoFields(begun, 'traceparent'), [/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/])
  t.equal((await ask(proxy.port, { host: 'dead.test' })).status, 502)
  t.equal((await ask(proxy.port, { host: 'away.test' })).status, 302)
  await ask(proxy.port, { host: 'a.test', path: '/kube-system/healthz' })

  proxy.signal('SIGTERM')
  await proxy.exited
  t.equal(receiver.spans.length, 4, 'what waited was sent at the end')
  const byStatus = (status: number) =>
    receiver.spans.filter(({ attributes }) => attributes['http.response.status_code'] === status)
  const [goesOn, begins] = byStatus(200)
  t.match(goesOn, {
    traceId,
    spanId: toldSpan(first),
    parentSpanId: parentId,
    traceState: 'rojo=1',
    name: 'GET /shop',
    kind: 2,
    status: 0,
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/shop',
      'url.path': '/shop/1',
      'url.scheme': 'http',
      'server.address': 'a.test',
      'client.address': '127.0.0.1',
      'user_agent.original': 'test',
      'network.protocol.version': '1.1',
      'weir.namespace': 'default',
      'weir.ingress': 'web',
      'weir.service': 'web',
      'weir.endpoint': `127.0.0.1:${echo.port}`,
    },
    resource: { 'service.name': 'weir', 'service.version': /^\d/ },
  })
  t.notMatch(JSON.stringify(goesOn?.attributes), /secret/, 'queries carry secrets')
  const isOrdered = ({ startNano, endNano }: ReceivedSpan) =>
    before <= startNano && startNano <= endNano && endNano <= BigInt(Date.now()) * 1_000_000n
  t.ok(receiver.spans.every(isOrdered), 'they begin before they end')
  t.match(begins, { spanId: toldSpan(begun), parentSpanId: '' })
  t.match(byStatus(502), [{ status: 2, attributes: { 'error.type': 'connect-failed' } }])
  t.match(byStatus(302), [{ status: 0, attributes: { 'weir.ingress': 'away' } }])
})

t.test(
  'the ConfigMap names the collector, annotations choose, changes count at once',
  async (t) => {
    const [receiver, echo, folder] = [
      await startOtlpReceiver(),
      await startEcho('web'),
      createManifestFolder(),
    ]
    const nginx = (key: string) => `nginx.ingress.kubernetes.io/${key}`
    folder.write('web.yaml', [
      ingressOf('web', [{ host: 'a.test', service: 'web' }]),
      ingressOf('off', [{ host: 'off.test', service: 'web' }], {
        [nginx('enable-opentelemetry')]: 'false',
      }),
      ingressOf('own', [{ host: 'own.test', path: '/own', service: 'web' }], {
        [nginx('enable-opentelemetry')]: 'true',
        [nginx('opentelemetry-trust-incoming-span')]: 'false',
        [nginx('opentelemetry-operation-name')]: 'HTTP $request_method $service_name $uri',
      }),
      ingressOf('bad', [{ host: 'bad.test', service: 'web' }], {
        [nginx('opentelemetry-operation-name')]: '$upstream_addr',
      }),
      ...serviceOf('web', [echo]),
    ])
    const flags = ['--ingress-class', 'weir', '--config-map', 'edge/nginx']
    const proxy = await startProxyProcess({
      flags: ['--manifests', folder.path, '--like', 'ingress-nginx', ...flags],
    })
    t.teardown(async () => {
      await proxy.stop()
      await Promise.all([receiver.close(), echo.close()])
      folder.dispose()
    })
    const get = async (host: string, path = '/') =>
      readEcho((await ask(proxy.port, { host, path, fields: [traceparent] })).body)
    const isTraced = (found: Echo) => toldSpan(found) !== parentId
    t.notOk(isTraced(await get('a.test')), 'nobody asked: the field passes unchanged')

    const collector = {
      'enable-opentelemetry': 'true',
      'otlp-collector-host': '127.0.0.1',
      'otlp-collector-port': String(receiver.port),
      'otel-schedule-delay-millis': '20',
      'otel-service-name': 'edge',
    }
    folder.write('map.yaml', [mapOf(collector)])
    await until('a span', () => get('a.test'), isTraced)
    t.notOk(isTraced(await get('off.test')), 'its annotation is stronger')
    const own = await get('own.test', '/own/x')
    const ownSpan = toldSpan(own)
    t.notMatch(echoFields(own, 'traceparent'), [new RegExp(traceId)], 'nobody is believed')
    const arrived = async () => receiver.spans.find(({ spanId }) => spanId === ownSpan)
    t.match(await until('its span', arrived, (span) => span !== undefined), {
      name: 'HTTP GET web /own/x',
      parentSpanId: '',
      resource: { 'service.name': 'edge' },
    })
    t.match(await problemsOf(proxy.adminPort), [
      { reason: 'invalid-annotation', name: 'bad', message: /\$upstream_addr, which is none of/ },
    ])

    folder.write('map.yaml', [mapOf({ ...collector, 'otel-sampler': 'AlwaysOff' })])
    const begin = async () => readEcho((await ask(proxy.port, { host: 'a.test' })).body)
    const flags0 = (found: Echo) => echoFields(found, 'traceparent')[0]?.endsWith('-00') === true
    const unsampled = await until('no sampling', begin, flags0)
    folder.write('map.yaml', [mapOf({})])
    await until(
      'no traces',
      () => get('a.test'),
      (found) => !isTraced(found),
    )
    t.notOk(
      receiver.spans.some(({ spanId }) => spanId === toldSpan(unsampled)),
      'what is not sampled is not sent',
    )
  },
)

t.test('a collector that is silent, or refuses, costs spans and nothing else', async (t) => {
  const [receiver, echo, folder] = [
    await startOtlpReceiver(),
    await startEcho('web'),
    createManifestFolder(),
  ]
  folder.write('web.yaml', [
    ingressOf('web', [{ host: 'a.test', service: 'web' }]),
    ...serviceOf('web', [echo]),
    mapOf({
      'enable-opentelemetry': 'true',
      'otlp-collector-host': '127.0.0.1',
      'otlp-collector-port': String(receiver.port),
      'otel-schedule-delay-millis': '20',
      'otel-max-queuesize': '10',
      'otel-max-export-batch-size': '5',
    }),
  ])
  receiver.mood = 400
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--config-map', 'edge/nginx', ...leaves],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([receiver.close(), echo.close()])
    folder.dispose()
  })
  const count = (reason: string) =>
    metric(proxy.adminPort, 'weir_spans_dropped_total', { reason }).then((value) => value ?? 0)
  const get = async () => (await ask(proxy.port, { host: 'a.test' })).status

  t.equal(await get(), 200)
  await until(
    'a span is refused',
    () => count('export'),
    (dropped) => dropped === 1,
  )
  t.match(proxy.stderr, /the collector takes no spans/)
  receiver.mood = 'takes'
  t.equal(await get(), 200)
  await until(
    'it is taken',
    () => metric(proxy.adminPort, 'weir_spans_exported_total'),
    (exported) => exported === 1,
  )
  t.match(proxy.stderr, /the collector takes spans again/)

  receiver.mood = 'silent'
  const statuses = new Set<number>()
  for (let sent = 0; sent < 60; sent += 1) statuses.add(await get())
  t.strictSame([...statuses], [200], 'nobody waits for it')
  await until(
    'too many wait',
    () => count('queue'),
    (dropped) => dropped > 0,
  )
  const started = performance.now()
  proxy.signal('SIGTERM')
  t.match(await proxy.exited, { code: 0 })
  t.ok(performance.now() - started < 20_000, 'nor does the proxy that leaves, for long')
})
