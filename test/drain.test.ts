// The real proxy beside a controller that follows a script: who says what over the control socket, and when does it leave?
// The controllers' own side is held by controller/test/drain.test.ts, both together by test/roll/.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAskProxy } from '../controller/balancer/ask-proxy.ts'
import { createProxyControl } from '../controller/drain/control-client.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { connectRaw, fieldsOf, requestOnce } from './support/raw-client.ts'
import { openTunnel } from './support/tunnels.ts'
import { okResponse, startScripted } from './support/upstream.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`
const health = get('/kube-system/healthz')

async function start(t: Test, drainSeconds: number) {
  const upstream = await startScripted({
    onRequest: (request) =>
      fieldsOf(request, 'upgrade').length > 0
        ? 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
        : okResponse,
  })
  t.teardown(() => upstream.close())
  const objects = [
    ingressOf('rules', [{ host: 'a.test', service: 'web' }]),
    ...serviceOf('web', [upstream]),
  ]
  const folder = createManifestFolder(objects)
  t.teardown(() => folder.dispose())
  // The path of a socket holds 107 bytes at most, which t.testdir() exceeds.
  const place = mkdtempSync(join(tmpdir(), 'weir-drain-'))
  t.teardown(() => rmSync(place, { recursive: true }))
  const socket = join(place, 's')
  const proxy = await startProxyProcess({
    flags: [
      '--manifests',
      folder.path,
      '--control-socket',
      socket,
      '--drain-seconds',
      String(drainSeconds),
    ],
  })
  t.teardown(() => proxy.stop())
  let hasExited = false
  void proxy.exited.then(() => {
    hasExited = true
  })
  return {
    proxy,
    controller: createProxyControl(socket),
    hasExited: () => hasExited,
    whenDraining: () =>
      eventually('it drains', () => proxy.logs.some(({ msg }) => msg === 'draining')),
    terminate: async () => {
      proxy.signal('SIGTERM')
      await eventually('it terminates', () => proxy.logs.some(({ msg }) => msg === 'terminating'))
    },
    health: async () => (await requestOnce(proxy.port, health)).status,
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

t.test('both containers stopped together: held, drained, released, gone', async (t) => {
  // Alone it would stay for ten minutes.
  const { proxy, controller, hasExited, terminate, health } = await start(t, 600)
  const kept = await connectRaw(proxy.port)
  await kept.request(get('/'))
  const tunnel = (await openTunnel(proxy.port)).collect()
  await terminate()
  t.equal(await controller.hold(600), true)
  await pause(2_500)
  t.equal(await health(), 200, 'nobody else serves yet: it stays healthy')
  t.match(await controller.status(), { state: 'serving', inFlight: 1 })

  t.equal(await controller.drain('SIGTERM', 600), true)
  await eventually('health fails', () => proxy.logs.some(({ msg }) => msg === 'draining'))
  t.equal(await health(), 503)
  const last = await kept.request(get('/'))
  t.equal(last.status, 200, 'the load balancer may still send: it is served')
  t.same(fieldsOf(last, 'connection'), ['close'], 'for the last time on this connection')
  t.equal((await requestOnce(proxy.port, get('/'))).status, 200, 'on a new one as well')
  t.notOk(tunnel.isOver)
  t.notOk(hasExited())

  t.equal(await controller.released(), true)
  await eventually('the tunnel ends', () => tunnel.isOver)
  tunnel.socket.destroy()
  t.same(await proxy.exited, { code: 0, signal: null })
})

t.test('the controller saw the deletionTimestamp first: SIGTERM finds it draining', async (t) => {
  const { proxy, controller, whenDraining, terminate, hasExited } = await start(t, 600)
  t.equal(await controller.drain('deletionTimestamp', 600), true)
  await whenDraining()
  await terminate()
  await pause(300)
  t.notOk(hasExited(), 'it waits for the load balancer to let go')
  t.equal(await controller.released(), true)
  t.same(await proxy.exited, { code: 0, signal: null })
})

t.test('what it expects of the PROXY protocol is read from its admin port', async (t) => {
  const required = ['--proxy-protocol', 'required', '--proxy-protocol-from', '127.0.0.0/8']
  for (const flags of [[], required]) {
    const proxy = await startProxyProcess({ flags: ['--manifests', '/dev/null', ...flags] })
    t.teardown(() => proxy.stop())
    t.match(await createAskProxy(proxy.adminPort)('127.0.0.1'), {
      ...{ proxyProtocol: flags[1] ?? 'off', h2c: false },
    })
  }
})

const bounds = [
  { drainSeconds: 600, boundSeconds: 1, why: 'less is left of the grace period' },
  { drainSeconds: 0, boundSeconds: 3, why: 'the load balancer needs longer' },
]

for (const { drainSeconds, boundSeconds, why } of bounds) {
  t.test(
    `a bound of ${boundSeconds} s beats --drain-seconds ${drainSeconds}: ${why}`,
    async (t) => {
      const { proxy, controller, terminate, hasExited } = await start(t, drainSeconds)
      await controller.drain('deletionTimestamp', boundSeconds)
      const startMs = performance.now()
      await terminate()
      await pause(Math.max(0, boundSeconds * 1_000 - 700))
      t.equal(hasExited(), false, 'not before')
      t.same(await proxy.exited, { code: 0, signal: null })
      t.ok(performance.now() - startMs < 60_000, 'the controller never said `released`')
    },
  )
}

t.test('a controller that is dead does not keep it: --drain-seconds rule', async (t) => {
  const { proxy, terminate, whenDraining, health, hasExited } = await start(t, 4)
  const startMs = performance.now()
  await terminate()
  await whenDraining()
  t.equal(await health(), 503)
  t.notOk(hasExited())
  t.same(await proxy.exited, { code: 0, signal: null })
  t.ok(performance.now() - startMs > 3_500)
})

t.test('a controller that dies while it holds does not keep it for ever', async (t) => {
  const { proxy, controller, terminate, health } = await start(t, 600)
  await terminate()
  await controller.hold(2)
  t.equal(await health(), 200)
  t.same(await proxy.exited, { code: 0, signal: null }, 'it leaves when the bound is over')
})
