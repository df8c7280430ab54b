// The proxy program on its way up and out: readiness, signals, exit codes, the control socket, and workers that crash.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { encodeControlLine, parseControlReply } from '../shared/control-socket.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { sampleValue } from '../shared/testing/exposition.ts'
import { scrape, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import {
  type ProxyProcess,
  type ProxyProcessOptions,
  runProxyProgram,
  startProxyProcess,
} from './support/proxy-process.ts'
import { connectRaw, fieldsOf, requestOnce } from './support/raw-client.ts'
import { openTunnel, switching } from './support/tunnels.ts'
import { okResponse, type ScriptedUpstream, startScripted } from './support/upstream.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`
const health = get('/kube-system/healthz')

interface Running {
  readonly proxy: ProxyProcess
  readonly upstream: ScriptedUpstream
  /** Completes the answers to `/slow` so far. */
  finishSlow(): void
}

/** A proxy with one route: `/slow` waits for `finishSlow`, an upgrade is granted, all else is answered. */
async function start(t: Test, options: ProxyProcessOptions = {}): Promise<Running> {
  const slow: (() => void)[] = []
  const upstream = await startScripted({
    onRequest: (request, side) => {
      if (fieldsOf(request, 'upgrade').length > 0) return switching
      if (request.target !== '/slow') return okResponse
      side.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
      slow.push(() => side.send('half'))
      return undefined
    },
  })
  t.teardown(() => upstream.close())
  const folder = createManifestFolder([
    ingressOf('rules', [{ host: 'a.test', service: 'web' }]),
    ...serviceOf('web', [upstream]),
  ])
  t.teardown(() => folder.dispose())
  const flags = ['--manifests', folder.path, ...(options.flags ?? [])]
  const proxy = await startProxyProcess({ ...options, flags })
  t.teardown(() => proxy.stop())
  return { proxy, upstream, finishSlow: () => slow.splice(0).forEach((finish) => void finish()) }
}

async function adminGet(
  proxy: ProxyProcess,
  path: string,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${proxy.adminPort}${path}`)
  return { status: response.status, text: await response.text() }
}

async function untilRefusing(proxy: ProxyProcess): Promise<void> {
  let isRefusing = false
  for (const end = performance.now() + 15_000; !isRefusing && performance.now() < end; ) {
    const socket = net.connect(proxy.port, '127.0.0.1')
    isRefusing = await Promise.race([
      once(socket, 'connect').then(() => false),
      once(socket, 'close').then(() => true),
    ]).catch(() => true)
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  if (!isRefusing) throw new Error('it still accepts connections')
}

t.test('SIGTERM: nothing that is in flight is lost, and the end is 0', async (t) => {
  const { proxy, finishSlow } = await start(t, { flags: ['--drain-seconds', '2'] })
  t.equal((await requestOnce(proxy.port, health)).status, 200)
  t.equal((await adminGet(proxy, '/readyz')).status, 200)
  const idle = await connectRaw(proxy.port)
  const served = await idle.request(get('/'))
  t.same(fieldsOf(served, 'connection'), [], 'kept alive before')
  const unused = await connectRaw(proxy.port)
  await unused.request(get('/'))
  const busy = await connectRaw(proxy.port)
  busy.send(get('/slow'))
  const slow = await busy.head()
  const tunnel = (await openTunnel(proxy.port, upgradeOf('/chat'))).collect()

  proxy.signal('SIGTERM')
  const checked = await until(
    'health says so',
    () => requestOnce(proxy.port, health),
    ({ status }) => status === 503,
  )
  t.same(fieldsOf(checked, 'connection'), ['close'])
  t.match(await adminGet(proxy, '/readyz'), { status: 503, text: /draining/ })
  t.equal((await adminGet(proxy, '/healthz')).status, 200, 'draining is not a failure')
  const old = await idle.request(get('/'))
  t.equal(old.status, 200, 'a kept connection is served')
  t.same(fieldsOf(old, 'connection'), ['close'], 'for the last time')
  t.equal(await idle.whenEnded(), 'fin')
  const fresh = await requestOnce(proxy.port, get('/'))
  t.equal(fresh.status, 200, 'new connections are served, too')
  t.same(fieldsOf(fresh, 'connection'), ['close'])
  t.notOk(tunnel.isOver, 'the tunnel is open while it drains')
  t.equal(unused.ended, 'open', 'and so is an unused connection')

  await untilRefusing(proxy)
  await eventually('the tunnel is cut', () => tunnel.isOver)
  t.equal(await unused.whenEnded(), 'fin', 'an unused connection ends without a reset')
  t.notOk(slow.complete)
  finishSlow()
  await busy.until(() => slow.complete, 'the slow answer')
  t.equal(slow.body, 'halfhalf', 'a request in flight finishes')
  tunnel.socket.destroy()
  t.same(await proxy.exited, { code: 0, signal: null })
  t.equal(proxy.logs.at(-1)?.msg, 'left')
  const statuses = proxy.accessLog().map(({ status }) => status)
  t.same(statuses.sort(), [101, 200, 200, 200, 200, 200], 'the log is whole')
})

function upgradeOf(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
}

t.test('a request that does not end is cut when the time to finish is over', async (t) => {
  const { proxy } = await start(t, { flags: ['--drain-seconds', '0', '--finish-seconds', '1'] })
  const busy = await connectRaw(proxy.port)
  busy.send(get('/slow'))
  const slow = await busy.head()
  proxy.signal('SIGTERM')
  await busy.whenEnded()
  t.notOk(slow.complete, 'and its client sees that it is not whole')
  t.same(await proxy.exited, { code: 0, signal: null })
})

for (const { first, second, code } of [
  { first: 'SIGTERM', second: 'SIGTERM', code: 143 },
  { first: 'SIGTERM', second: 'SIGINT', code: 130 },
  { first: 'SIGINT', second: 'SIGINT', code: 130 },
] as const) {
  t.test(`${first}, then ${second}: it ends at once with ${code}`, async (t) => {
    const { proxy } = await start(t)
    proxy.signal(first)
    await eventually('it drains', () => proxy.logs.some(({ msg }) => msg === 'draining'))
    proxy.signal(second)
    t.same(await proxy.exited, { code, signal: null })
  })
}

// ── what keeps it from starting ─────────────────────────────────────────────────────────────────

t.test('wrong settings are one sentence and exit 2', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-settings-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, 'worker: 2\n')
  for (const { flags, env, says } of [
    { flags: ['--drain-second', '5'], env: {}, says: /--drain-second\b.*--drain-seconds/ },
    { flags: ['--workers', 'many'], env: {}, says: /--workers.*many/ },
    { flags: ['--listen', '99999'], env: {}, says: /--listen/ },
    { flags: [], env: { WEIR_ACCESS_LOG: 'xml' }, says: /WEIR_ACCESS_LOG.*json.*xml/ },
    { flags: ['--config', file], env: {}, says: /worker/ },
    { flags: ['--config', join(folder, 'none.yaml')], env: {}, says: /none\.yaml/ },
  ]) {
    const run = await runProxyProgram(flags, env)
    t.equal(run.code, 2, run.stderr)
    t.match(run.stderr, says)
    t.equal(run.stderr.trimEnd().split('\n').length, 1, run.stderr)
    t.equal(run.stdout, '')
  }
})

t.test('a port that is taken is named, with what to do, and the exit is 1', async (t) => {
  const holder = net.createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const at = holder.address()
  const taken = at === null || typeof at === 'string' ? 0 : at.port
  const folder = createManifestFolder([])
  t.teardown(() => folder.dispose())
  const manifests = ['--manifests', folder.path]
  for (const { flags, flag } of [
    { flags: ['--listen', `127.0.0.1:${taken}`, '--admin', '127.0.0.1:0'], flag: '--listen' },
    { flags: ['--listen', '127.0.0.1:0', '--admin', `127.0.0.1:${taken}`], flag: '--admin' },
  ]) {
    for (const workers of ['1', '2']) {
      const run = await runProxyProgram([...manifests, ...flags, '--workers', workers])
      t.equal(run.code, 1, run.stderr)
      const words = run.stderr.split('\n').filter((line) => line.startsWith('weir-proxy:'))
      t.match(words, [`port ${taken} is in use`], run.stderr)
      t.match(words[0], flag)
    }
  }
})

t.test('before the first table it is alive, but not ready', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-kubeconfig-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const kubeconfig = join(folder, 'config.json')
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      // Nobody listens there: the API server is down.
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
      users: [{ name: 'u', user: {} }],
    }),
  )
  const flags = ['--kubeconfig', kubeconfig, '--drain-seconds', '0']
  const proxy = await startProxyProcess({ waitFor: 'listening', flags })
  t.teardown(() => proxy.stop())
  t.match(await requestOnce(proxy.port, health), { status: 503, body: 'not synced\n' })
  t.match(await requestOnce(proxy.port, get('/')), { status: 503, body: /not-synced/ })
  proxy.signal('SIGTERM')
  t.same(await proxy.exited, { code: 0, signal: null }, 'and it can leave')
})

// ── the control socket ──────────────────────────────────────────────────────────────────────────

async function withControlSocket(t: Test, drainSeconds: string) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-control-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'control.sock')
  const flags = ['--control-socket', path, '--drain-seconds', drainSeconds]
  const running = await start(t, { flags })
  const socket = net.connect(path)
  await once(socket, 'connect')
  t.teardown(() => socket.destroy())
  const lines = createInterface({ input: socket })
  const ask = async (request: Parameters<typeof encodeControlLine>[0]) => {
    socket.write(encodeControlLine(request))
    const [line] = await once(lines, 'line')
    return parseControlReply(String(line))
  }
  return { ...running, ask }
}

const drain = { op: 'drain', reason: 'node goes', boundSeconds: 60 } as const

t.test('the control socket drains; SIGTERM after `released` does not wait', async (t) => {
  const { proxy, ask, finishSlow } = await withControlSocket(t, '600')
  const busy = await connectRaw(proxy.port)
  busy.send(get('/slow'))
  const slow = await busy.head()
  t.same(await ask({ op: 'status' }), {
    ...{ state: 'serving', inFlight: 1, proxyProtocol: 'off', h2c: false },
  })
  t.same(await ask(drain), { ok: true })
  t.match(await ask({ op: 'status' }), { state: 'draining', inFlight: 1 })
  t.equal((await requestOnce(proxy.port, health)).status, 503)
  t.same(fieldsOf(await requestOnce(proxy.port, get('/')), 'connection'), ['close'])
  t.same(await ask({ op: 'released' }), { ok: true })
  t.equal((await requestOnce(proxy.port, get('/'))).status, 200, 'without SIGTERM it stays')
  proxy.signal('SIGTERM')
  await untilRefusing(proxy)
  finishSlow()
  await busy.until(() => slow.complete, 'the slow answer')
  t.same(await proxy.exited, { code: 0, signal: null })
})

t.test('`released` ends the wait that SIGTERM began', async (t) => {
  const { proxy, ask } = await withControlSocket(t, '600')
  proxy.signal('SIGTERM')
  await eventually('it drains', () => proxy.logs.some(({ msg }) => msg === 'draining'))
  t.match(await ask({ op: 'status' }), { state: 'draining', inFlight: 0 })
  t.same(await ask({ op: 'released' }), { ok: true })
  t.same(await proxy.exited, { code: 0, signal: null })
})

// ── workers ─────────────────────────────────────────────────────────────────────────────────────

t.test('two workers share the port, and both take connections', async (t) => {
  // One connection per worker: if both are served, two of the twenty are.
  const { proxy } = await start(t, { flags: ['--workers', '2', '--max-connections', '2'] })
  t.equal(listenersOn(proxy.port), 2)
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(proxy.port)))
  const statuses = await Promise.all(
    clients.map(async (client) => (await client.request(get('/'))).status),
  )
  t.equal(statuses.filter((status) => status === 200).length, 2)
  t.equal(statuses.filter((status) => status === 503).length, 18)
  for (const client of clients) client.close()
})

/** Sockets that listen on a port, by the kernel's table. */
function listenersOn(port: number): number {
  const listening = '0A'
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
  return rows.filter(([, at = '', , state]) => at.endsWith(local) && state === listening).length
}

for (const workers of [1, 2]) {
  t.test(`a crashed worker of ${workers} is replaced, told all, and counted`, async (t) => {
    const preload = new URL('./support/crash-on-signal.ts', import.meta.url).href
    const { proxy } = await start(t, {
      flags: ['--workers', String(workers)],
      env: { NODE_OPTIONS: `--import ${preload}` },
    })
    const before = await connectRaw(proxy.port)
    await before.request(get('/'))
    for (const crashes of [1, 2]) {
      proxy.signal('SIGUSR2')
      await until(
        'it is replaced and counted',
        async () => {
          const families = await scrape(proxy.adminPort)
          const restarts = sampleValue(families, 'weir_worker_restarts_total')
          const running = sampleValue(families, 'weir_workers')
          return { restarts, running, listening: listenersOn(proxy.port) }
        },
        ({ restarts, running, listening }) =>
          restarts === crashes && running === workers && listening === workers,
      )
      // A worker that listens has not necessarily read its table yet; the kernel chooses which one serves.
      for (let asked = 0; asked < 10; asked += 1) {
        let status = 0
        while (status !== 200) {
          const response = await requestOnce(proxy.port, get('/'))
          if (response.status !== 200 && !/not-synced/.test(response.body)) break
          status = response.status
        }
        t.equal(status, 200)
      }
    }
    const line = proxy.logs.find(({ msg }) => msg === 'worker crashed')
    t.match(line?.error, { message: 'a test made this worker crash' })
    t.equal((await adminGet(proxy, '/healthz')).status, 200)
    before.close()
  })
}
