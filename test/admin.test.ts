// What do operators see? The admin port and the access log of the real program, after traffic that is known exactly.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { type ExposedFamily, sampleValue } from '../shared/testing/exposition.ts'
import { ask, askAdmin, metric, problemsOf, scrape, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { freePort } from './support/programs.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { connectRaw } from './support/raw-client.ts'
import { startEcho, startScripted } from './support/upstream.ts'

async function setUp(
  t: Test,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  const echo = await startEcho('web')
  const silent = await startScripted({})
  const refused = { address: '127.0.0.1', port: await freePort() }
  const folder = createManifestFolder([
    ingressOf('web', [{ host: 'web.test', service: 'web' }]),
    ingressOf('wild', [
      { host: '*.wild.test', service: 'web' },
      { service: 'web', path: '/any' },
    ]),
    ingressOf('silent', [{ host: 'silent.test', service: 'silent' }], {
      'weir.dev/read-timeout': '300ms',
    }),
    ingressOf('hang', [{ host: 'hang.test', service: 'silent' }]),
    ingressOf('refused', [{ host: 'refused.test', service: 'refused' }]),
    ingressOf('moved', [{ host: 'moved.test', service: 'web' }], { 'weir.dev/redirect-to': '/x' }),
    ingressOf('lost', [{ host: 'lost.test', service: 'nobody' }]),
    ...serviceOf('web', [echo]),
    ...serviceOf('silent', [silent]),
    ...serviceOf('refused', [refused]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--retries', '0', ...flags],
    env,
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([echo.close(), silent.close()])
    folder.dispose()
  })
  return { proxy, echo, silent, folder }
}

/** Every metric that dashboards rely on (see ARCHITECTURE.md), with its type and label names. */
const metrics: readonly (readonly [name: string, type: string, labels: readonly string[]])[] = [
  ['weir_requests_total', 'counter', ['ingress', 'method', 'namespace', 'service', 'status']],
  ['weir_request_duration_seconds', 'histogram', ['ingress', 'namespace', 'service']],
  ['weir_upstream_duration_seconds', 'histogram', ['ingress', 'namespace', 'service']],
  ['weir_proxy_overhead_seconds', 'histogram', []],
  ['weir_connections', 'gauge', ['protocol', 'state']],
  ['weir_upstream_connections', 'gauge', ['state']],
  ['weir_upstream_errors_total', 'counter', ['code']],
  ['weir_failures_total', 'counter', ['code', 'ingress', 'namespace', 'service']],
  ['weir_retries_total', 'counter', []],
  ['weir_retries_refused_total', 'counter', []],
  ['weir_connections_refused_total', 'counter', []],
  ['weir_connections_limit', 'gauge', []],
  ['weir_draining', 'gauge', []],
  ['weir_worker_cpu_seconds_total', 'counter', ['worker']],
  ['weir_worker_busy_seconds_total', 'counter', ['worker']],
  ['weir_worker_loop_delay_seconds', 'histogram', ['worker']],
  ['weir_access_log_dropped_total', 'counter', []],
  ['weir_routes', 'gauge', []],
  ['weir_route_problems', 'gauge', ['reason']],
  ['weir_route_update_seconds', 'histogram', []],
  ['weir_kube_watch_age_seconds', 'gauge', ['resource']],
  ['weir_workers', 'gauge', []],
  ['weir_worker_restarts_total', 'counter', []],
  ['weir_build_info', 'gauge', ['node', 'version']],
  ['process_cpu_user_seconds_total', 'counter', []],
  ['process_resident_memory_bytes', 'gauge', []],
  ['nodejs_eventloop_lag_p99_seconds', 'gauge', []],
  ['nodejs_heap_size_used_bytes', 'gauge', []],
]

function labelsOf({ samples }: ExposedFamily): readonly string[] {
  const names = new Set(samples.flatMap(({ labels }) => Object.keys(labels)))
  names.delete('le')
  return [...names].sort()
}

function sumOf(families: ReadonlyMap<string, ExposedFamily>, name: string): number {
  return (families.get(name)?.samples ?? []).reduce((sum, { value }) => sum + value, 0)
}

t.test('/metrics is right after known traffic, summed over two workers', async (t) => {
  const { proxy } = await setUp(t, ['--workers', '2'])
  const web = { ingress: 'web', namespace: 'default', service: 'web' }
  // A connection each: the kernel spreads them over the workers.
  for (let i = 0; i < 40; i += 1) await ask(proxy.port, { host: 'web.test', path: `/${i}?secret` })
  for (let i = 0; i < 3; i += 1) {
    await ask(proxy.port, { host: 'web.test', method: 'POST', body: 'hello' })
    await ask(proxy.port, { host: 'nobody.test' })
    await ask(proxy.port, { host: 'lost.test' })
    await ask(proxy.port, { host: 'moved.test' })
    await ask(proxy.port, { host: 'silent.test' })
    await ask(proxy.port, { host: 'web.test', method: 'BREW' })
    await ask(proxy.port, { host: 'any', path: '/kube-system/healthz' })
  }
  await ask(proxy.port, { host: 'refused.test' })

  // A worker counts when all is written, and the control thread hears of a new series by a message.
  const families = await until(
    'all is counted',
    () => scrape(proxy.adminPort),
    (all) => sumOf(all, 'weir_requests_total') >= 40 + 3 * 6 + 1,
  )
  await t.test('names, types and labels', async (t) => {
    for (const [name, type, labels] of metrics) {
      const family = families.get(name)
      t.equal(family?.type, type, name)
      t.ok((family?.help ?? '').length > 10, `${name} has a help text`)
      t.strictSame(family && labelsOf(family), labels, `${name} labels`)
    }
    for (const [name, { samples }] of families) {
      const hosts = samples.filter(({ labels }) => 'host' in labels)
      t.strictSame(hosts, [], `${name}: no host chosen by clients is a label`)
    }
  })

  await t.test('counts', async (t) => {
    const of = (service: string) => ({ ingress: service, namespace: 'default', service })
    const none = { ingress: '', namespace: '', service: '' }
    const rows = [
      { labels: { ...web, method: 'GET', status: '200' }, count: 40, why: 'over both workers' },
      { labels: { ...web, method: 'POST', status: '200' }, count: 3, why: 'by method' },
      {
        labels: { ...web, method: 'OTHER', status: '400' },
        count: 3,
        why: 'any token may be a method, and is not a label (the upstream refuses this one)',
      },
      { labels: { ...none, method: 'GET', status: '404' }, count: 3, why: 'without a route' },
      {
        labels: { ...of('lost'), service: 'nobody', method: 'GET', status: '503' },
        count: 3,
        why: 'without a Service',
      },
      {
        labels: { ...of('moved'), service: 'web', method: 'GET', status: '302' },
        count: 3,
        why: 'a redirect',
      },
      { labels: { ...of('silent'), method: 'GET', status: '504' }, count: 3, why: 'a timeout' },
      { labels: { ...of('refused'), method: 'GET', status: '502' }, count: 1, why: 'refused' },
    ]
    for (const { labels, count, why } of rows) {
      t.equal(sampleValue(families, 'weir_requests_total', labels), count, why)
    }
    const total = sumOf(families, 'weir_requests_total')
    t.equal(total, 40 + 3 * 6 + 1, 'and no others: health checks do not count')
    t.equal(sampleValue(families, 'weir_request_duration_seconds_count', web), 46)
    t.equal(sampleValue(families, 'weir_upstream_duration_seconds_count', web), 46)
    const code = (name: string) =>
      sampleValue(families, 'weir_upstream_errors_total', { code: name })
    t.equal(code('connect-failed'), 1)
    t.equal(code('response-timeout'), 3)
    t.equal(code('upstream-reset'), 0, 'each code is there from the start')
    t.equal(sampleValue(families, 'weir_routes'), 8)
    t.equal(sampleValue(families, 'weir_route_problems', { reason: 'service-missing' }), 1)
    t.equal(sampleValue(families, 'weir_route_problems', { reason: 'conflict' }), 0)
    t.equal(sampleValue(families, 'weir_workers'), 2)
    for (const worker of ['0', '1']) {
      const cpu = sampleValue(families, 'weir_worker_cpu_seconds_total', { worker }) ?? 0
      const busy = sampleValue(families, 'weir_worker_busy_seconds_total', { worker }) ?? 0
      t.ok(cpu > 0 && busy > 0, `worker ${worker} has done something`)
    }
    const failed = sampleValue(families, 'weir_failures_total', {
      code: 'connect-failed',
      ingress: 'refused',
      namespace: 'default',
      service: 'refused',
    })
    t.equal(failed, 1)
    t.equal(sampleValue(families, 'weir_worker_restarts_total'), 0)
    t.ok((sampleValue(families, 'weir_route_update_seconds_count') ?? 0) >= 1)
    const overhead = sampleValue(families, 'weir_proxy_overhead_seconds_sum') ?? 0
    const duration = sampleValue(families, 'weir_request_duration_seconds_sum', web) ?? 0
    t.ok(overhead > 0 && overhead < duration + 1, 'own time is less than all of the time')
  })

  await t.test('gauges follow connections, and nothing is ever negative', async (t) => {
    const states = async () => {
      const now = await scrape(proxy.adminPort)
      return ['active', 'idle', 'tunnel'].map((state) =>
        sampleValue(now, 'weir_connections', { protocol: 'HTTP/1.1', state }),
      )
    }
    await until('all clients are gone', states, (seen) => seen.every((count) => count === 0))
    const clients = await Promise.all([1, 2, 3, 4].map(() => connectRaw(proxy.port)))
    for (const raw of clients) await raw.request('GET / HTTP/1.1\r\nHost: web.test\r\n\r\n')
    clients[0]?.send('GET / HTTP/1.1\r\nHost: hang.test\r\n\r\n')
    await until('one active, three idle', states, ([active, idle]) => active === 1 && idle === 3)
    const busy = await metric(proxy.adminPort, 'weir_upstream_connections', { state: 'busy' })
    t.equal(busy, 1)
    for (const raw of clients) raw.reset()
    await until('all clients are gone', states, (seen) => seen.every((count) => count === 0))
    const now = await scrape(proxy.adminPort)
    for (const { name, samples } of now.values()) {
      if (name.startsWith('weir_'))
        t.ok(
          samples.every(({ value }) => value >= 0),
          name,
        )
    }
    t.equal(
      sampleValue(now, 'weir_requests_total', {
        ingress: 'hang',
        namespace: 'default',
        service: 'silent',
        method: 'GET',
        status: '499',
      }),
      1,
      'a client that goes away is a 499',
    )
  })
})

t.test(
  'a worker that crashes is replaced; no counter goes back and no gauge below 0',
  async (t) => {
    const files = mkdtempSync(join(tmpdir(), 'weir-crash-'))
    const trigger = join(files, 'now')
    const preload = join(files, 'crash.mjs')
    // Runs in every thread before the program: the first worker throws as soon as it is told to.
    writeFileSync(
      preload,
      `import { existsSync } from 'node:fs'
     import { threadId } from 'node:worker_threads'
     if (threadId === 1) setInterval(() => {
       if (existsSync(${JSON.stringify(trigger)})) throw new Error('a fault')
     }, 20).unref()`,
    )
    t.teardown(() => rmSync(files, { recursive: true, force: true }))
    const { proxy } = await setUp(t, ['--workers', '2'], { NODE_OPTIONS: `--import=${preload}` })
    const labels = {
      ingress: 'web',
      namespace: 'default',
      service: 'web',
      method: 'GET',
      status: '200',
    }
    // Idle connections on both workers, so that gauges are above 0 when one ends.
    const clients = await Promise.all(Array.from({ length: 16 }, () => connectRaw(proxy.port)))
    t.teardown(() => {
      for (const raw of clients) raw.close()
    })
    for (const raw of clients) await raw.request('GET / HTTP/1.1\r\nHost: web.test\r\n\r\n')
    t.equal(await metric(proxy.adminPort, 'weir_requests_total', labels), 16)

    writeFileSync(trigger, '')
    const restarts = () => metric(proxy.adminPort, 'weir_worker_restarts_total')
    await until('a restart', restarts, (count) => count === 1)
    const after = await scrape(proxy.adminPort)
    t.equal(sampleValue(after, 'weir_requests_total', labels), 16, 'what it counted stays')
    for (const { name, samples } of after.values()) {
      if (name.startsWith('weir_'))
        t.ok(
          samples.every(({ value }) => value >= 0),
          name,
        )
    }
    const idle =
      sampleValue(after, 'weir_connections', { protocol: 'HTTP/1.1', state: 'idle' }) ?? 0
    t.ok(idle < 16, `its connections went with it: ${idle} are left`)
    await until(
      'two workers',
      () => metric(proxy.adminPort, 'weir_workers'),
      (count) => count === 2,
    )
    t.match(await askAdmin(proxy.adminPort, '/healthz'), { status: 200 })
    for (let i = 0; i < 20; i += 1) {
      t.equal((await ask(proxy.port, { host: 'web.test' })).status, 200, 'both serve')
    }
    t.equal(await metric(proxy.adminPort, 'weir_requests_total', labels), 36)
    t.ok(proxy.logs.some(({ msg, level }) => msg === 'worker crashed' && level === 'error'))
  },
)

t.test('/routes, /readyz and methods', async (t) => {
  const { proxy } = await setUp(t)
  const routes = async (query: string) =>
    JSON.parse((await askAdmin(proxy.adminPort, `/routes${query}`)).body)
  t.equal((await routes('')).routes.length, 8)
  const [route] = (await routes('?host=web.test')).routes
  t.match(route, {
    host: 'web.test',
    path: '/',
    type: 'Prefix',
    namespace: 'default',
    ingress: 'web',
    service: 'web',
    endpoints: [/^127\.0\.0\.1:\d+$/],
  })
  t.equal((await routes('?host=*.wild.test')).routes.length, 1)
  t.equal((await routes('?host=')).routes[0].path, '/any')
  const [silent] = (await routes('?host=silent.test')).routes
  t.strictSame(silent.backend, { kind: 'forward', limits: { readMs: 300 } })
  t.match(await routes('?problems'), { problems: [{ reason: 'service-missing', name: 'lost' }] })
  t.equal((await routes('?problems')).routes, undefined)
  t.equal((await problemsOf(proxy.adminPort)).length, 1)
  for (const path of ['/readyz', '/healthz']) {
    t.match(await askAdmin(proxy.adminPort, path), { status: 200, body: 'ok\n' })
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    for (const path of ['/metrics', '/routes', '/readyz', '/drain']) {
      t.equal((await askAdmin(proxy.adminPort, path, method)).status, 405, `${method} ${path}`)
    }
  }
  t.match(await askAdmin(proxy.adminPort, '/routes', 'HEAD'), { status: 200, body: '' })
  t.equal((await askAdmin(proxy.adminPort, '/drain')).status, 404)
  const onData = await Promise.all(
    ['/metrics', '/routes', '/readyz'].map((path) => ask(proxy.port, { host: 'x.test', path })),
  )
  t.ok(
    onData.every(({ status }) => status === 404),
    'clients reach nothing of it',
  )
})

t.test('/readyz before the first table', async (t) => {
  const admin = await freePort()
  const proxy = await startProxyProcess({
    flags: ['--manifests', '/nowhere/at/all', '--admin', `127.0.0.1:${admin}`],
    waitFor: 'listening',
  })
  t.teardown(() => proxy.stop())
  t.match(await askAdmin(admin, '/readyz'), { status: 503, body: /^not ready: / })
  t.match(await askAdmin(admin, '/healthz'), { status: 200 }, 'a restart would not help')
  t.equal((await ask(proxy.port, { host: 'a', path: '/kube-system/healthz' })).status, 503)
  t.strictSame(JSON.parse((await askAdmin(admin, '/routes')).body).routes, [])
  t.equal(await metric(admin, 'weir_routes'), 0)
})

t.test('the access log as JSON', async (t) => {
  const trust = ['--trusted-proxies', '127.0.0.1/32', '--trusted-fields', 'alb,x-request-id']
  const { proxy } = await setUp(t, trust)
  const fields = [
    'User-Agent: te"st\xe4',
    'Referer: https://ref.test/p?token=1',
    'X-Request-Id: id-0123456789-abcdef',
    'X-Forwarded-For: 198.51.100.7',
  ]
  await ask(proxy.port, {
    host: 'WEB.test:80',
    path: '/p/%20?token=1',
    method: 'POST',
    body: 'hello',
    fields,
  })
  const gone = await connectRaw(proxy.port)
  gone.send('GET /gone HTTP/1.1\r\nHost: hang.test\r\n\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  gone.reset()
  const rows = [
    { send: { host: 'nobody.test', path: '/nobody' }, status: 404, error: 'no-route' },
    {
      send: { host: 'lost.test', path: '/lost' },
      status: 503,
      error: 'service-missing',
    },
    { send: { host: 'moved.test', path: '/moved' }, status: 302, error: 'redirect' },
    { send: { host: 'refused.test', path: '/refused' }, status: 502, error: 'connect-failed' },
    { send: { host: 'silent.test', path: '/silent' }, status: 504, error: 'response-timeout' },
    { send: { host: 'web.test', path: '/a/../../b' }, status: 400, error: 'malformed-request' },
    {
      send: { host: 'web.test', path: `/${'x'.repeat(20_000)}` },
      status: 414,
      error: 'target-too-long',
    },
    {
      send: {
        host: 'web.test',
        path: '/431',
        fields: Array.from({ length: 9 }, (_, i) => `X-${i}: ${'x'.repeat(9000)}`),
      },
      status: 431,
      error: 'head-too-large',
    },
  ]
  for (const { send, status } of rows) t.equal((await ask(proxy.port, send)).status, status)
  const log = await until(
    'all lines',
    async () => proxy.accessLog(),
    (lines) => lines.length === rows.length + 2,
  )
  const [first = {}] = log
  t.match(first, {
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    request_id: 'id-0123456789-abcdef',
    client: '198.51.100.7',
    method: 'POST',
    host: /^web\.test$/i,
    path: '/p/%20',
    protocol: 'HTTP/1.1',
    status: 200,
    error: '',
    bytes_in: 5,
    namespace: 'default',
    ingress: 'web',
    service: 'web',
    endpoint: /^127\.0\.0\.1:\d+$/,
    retries: 0,
    user_agent: 'te"st\xe4',
    referer: 'https://ref.test/p',
  })
  t.ok(Number(first.bytes_out) > 100)
  const { duration_ms = 0, upstream_ms = 0, overhead_ms = 0 } = first
  t.ok(Number(duration_ms) >= Number(upstream_ms) && Number(upstream_ms) > 0)
  t.ok(Number(overhead_ms) > 0 && Number(overhead_ms) <= Number(duration_ms))
  t.notMatch(JSON.stringify(log), /token/, 'no query is logged')
  for (const { status, error } of rows) {
    t.ok(
      log.some((line) => line.status === status && String(line.error).match(error)),
      `${status} ${error}`,
    )
  }
  const left = log.find(({ path }) => path === '/gone')
  t.match(left, { status: 499, error: 'client-closed', ingress: 'hang' }, 'the client went away')
})

t.test('the access log in the combined format, and off', async (t) => {
  const { proxy } = await setUp(t, ['--access-log', 'combined'])
  const fields = ['User-Agent: curl/8 "x"', 'Referer: http://r.test/?q']
  await ask(proxy.port, { host: 'web.test', path: '/c?x=1', fields })
  await ask(proxy.port, { host: 'nobody.test' })
  const lines = await until(
    'two lines',
    async () => proxy.lines,
    ({ length }) => length === 2,
  )
  t.match(
    lines[0],
    /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/c HTTP\/1\.1" 200 \d+ "http:\/\/r\.test\/" "curl\/8 \\x22x\\x22"$/,
  )
  t.match(lines[1], /"GET \/ HTTP\/1\.1" 404 \d+ "-" "-"$/)

  const off = await setUp(t, ['--access-log', 'off'])
  await ask(off.proxy.port, { host: 'web.test' })
  await new Promise((resolve) => setTimeout(resolve, 700))
  t.strictSame(off.proxy.lines, [])
})

t.test('a reader of the log that stalls costs lines, never requests', async (t) => {
  const echo = await startEcho('web')
  const folder = createManifestFolder([
    ingressOf('web', [{ host: 'web.test', service: 'web' }]),
    ...serviceOf('web', [echo]),
  ])
  // Nobody reads its stdout.
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('../proxy/main.ts', import.meta.url)),
      '--manifests',
      folder.path,
      '--listen',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
      '--workers',
      '1',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  t.teardown(async () => {
    const gone = once(child, 'close')
    child.stdout.resume()
    child.kill('SIGKILL')
    await gone
    await echo.close()
    folder.dispose()
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ready = await until(
    'listening',
    async () => /"listen":"127.0.0.1:(\d+)","admin":"127.0.0.1:(\d+)"/.exec(stderr),
    Boolean,
  )
  const [port = 0, adminPort = 0] = (ready ?? []).slice(1).map(Number)
  // It listens before it has its first table: 503 until then.
  await until(
    'routes',
    () => ask(port, { host: 'web.test' }),
    ({ status }) => status === 200,
  )
  const client = await connectRaw(port)
  t.teardown(() => client.close())
  // 14 KiB of log a request: 8 MiB are full soon.
  const request = `GET /${'x'.repeat(14_000)} HTTP/1.1\r\nHost: nobody.test\r\n\r\n`
  let slowest = 0
  const dropped = () => metric(adminPort, 'weir_access_log_dropped_total')
  for (let count = 0; (await dropped()) === 0; count += 100) {
    if (count > 5000) throw new Error('nothing is ever dropped')
    for (let i = 0; i < 100; i += 1) {
      const startedAt = performance.now()
      const { status } = await client.request(request)
      slowest = Math.max(slowest, performance.now() - startedAt)
      if (status !== 404) throw new Error(`${status} instead of 404`)
    }
  }
  t.ok(((await dropped()) ?? 0) > 0, 'dropped lines are counted')
  t.equal((await ask(port, { host: 'web.test' })).status, 200, 'requests go on')
  t.ok(slowest < 2000, `no request waited for its line: ${slowest.toFixed(0)} ms at most`)
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  await until(
    'what was kept is written when the reader is back',
    async () => bytes,
    (seen) => seen > 1 << 20,
  )
  const before = await dropped()
  await new Promise((resolve) => setTimeout(resolve, 700))
  await ask(port, { host: 'web.test' })
  t.equal(await dropped(), before, 'nothing is dropped any more')
})
