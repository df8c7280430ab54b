// The end of one proxy pod: its controller, AWS and the proxy's control socket in fake time.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Bench, type BenchReplica } from './bench.ts'
import { ProxyStandIn } from './proxy-stand-in.ts'

interface Scene {
  readonly bench: Bench
  readonly proxy: ProxyStandIn
  readonly replica: BenchReplica
  /** Another replica, of the pod p-2. */
  readonly other: BenchReplica
  /** Whether our own target is out of rotation. */
  readonly isOut: () => boolean
}

/** Two proxies with a controller each; the first has a proxy behind its control socket. */
async function setScene(
  t: Test,
  options: { group?: object; args?: string[]; drainMs?: number; withOther?: boolean } = {},
): Promise<Scene> {
  const bench = await Bench.start(t, {
    timing: { initialMs: 5_000, drainMs: options.drainMs ?? 20_000 },
    ...(options.group === undefined ? {} : { group: options.group }),
  })
  const folder = await mkdtemp(join(tmpdir(), 'weir-control-'))
  const socket = join(folder, 'control.sock')
  const proxy = new ProxyStandIn(bench.clock)
  await proxy.listen(socket)
  t.teardown(async () => {
    await proxy.close()
    await rm(folder, { recursive: true })
  })
  bench.pod('p-1')
  if (options.withOther !== false) bench.pod('p-2')
  const args = options.args ?? []
  const other = await bench.replica('p-2', ['--pod-name', 'p-2', ...args])
  await bench.until(() => other.controller.isLeader)
  const replica = await bench.replica('p-1', [
    '--pod-name',
    'p-1',
    '--control-socket',
    socket,
    ...args,
  ])
  await bench.until(() => bench.healthy().includes('10.0.0.1') && replica.controller.isReady)
  await bench.pass(1_000)
  const isOut = (): boolean => !bench.states().includes('10.0.0.1 healthy')
  return { bench, proxy, replica, other, isOut }
}

t.test(
  'SIGTERM: deregistered, proxy drains, load balancer lets go, proxy is released',
  async (t) => {
    const { bench, proxy, replica, isOut } = await setScene(t)
    const start = bench.clock.now()
    bench.terminate('p-1', 120)
    const drained = replica.controller.drain('SIGTERM')
    const outMs = await bench.until(isOut, { stepMs: 10 })
    t.ok(outMs < 1_000, `deregistered after ${outMs} ms`)
    await bench.settle(drained)
    const drainAt = (proxy.heardAt('drain') ?? Number.NaN) - start
    const releasedAt = (proxy.heardAt('released') ?? Number.NaN) - start
    t.ok(drainAt < 1_000, `told to drain after ${drainAt} ms`)
    t.ok(
      releasedAt >= 20_000 && releasedAt < 24_000,
      `released after ${releasedAt} ms: AWS needs 20 s`,
    )
    const request = proxy.told.find(({ request }) => request.op === 'drain')?.request
    t.match(request, { reason: 'SIGTERM' })
  },
)

t.test('without a signal the deletionTimestamp begins it (native sidecar)', async (t) => {
  const { bench, proxy, isOut } = await setScene(t)
  bench.terminate('p-1', 120)
  const outMs = await bench.until(isOut, { stepMs: 10 })
  t.ok(outMs < 1_000, `deregistered after ${outMs} ms`)
  await bench.until(() => proxy.heardAt('released') !== undefined)
  t.ok((proxy.heardAt('drain') ?? 0) < (proxy.heardAt('released') ?? 0))
})

t.test('a dead sidecar: the leader deregisters on deletionTimestamp', async (t) => {
  const { bench, replica, isOut } = await setScene(t)
  await bench.settle(replica.controller.stop())
  bench.terminate('p-1', 120)
  const outMs = await bench.until(isOut, { stepMs: 10 })
  t.ok(outMs < 1_000, `deregistered after ${outMs} ms`)
})

t.test('the leader’s own pod: the lease is handed over at once', async (t) => {
  const { bench, other, replica } = await setScene(t)
  bench.terminate('p-2', 120)
  const drained = other.controller.drain('SIGTERM')
  const tookOver = await bench.until(() => replica.controller.isLeader)
  t.ok(tookOver <= 5_000, `the other leads after ${tookOver} ms`)
  await bench.settle(drained)
  t.ok(bench.healthy().includes('10.0.0.1'))
})

t.test('the grace period bounds everything', async (t) => {
  const { bench, proxy, replica } = await setScene(t, { drainMs: 300_000 })
  const start = bench.clock.now()
  bench.terminate('p-1', 20)
  await bench.settle(replica.controller.drain('SIGTERM'))
  const took = bench.clock.now() - start
  t.ok(took <= 20_000, `done after ${took} ms of 20,000`)
  t.ok(proxy.heardAt('released') !== undefined, 'the proxy has the rest to finish')
})

t.test('an ALB that drains long is not waited for longer than 30 s', async (t) => {
  const { bench, replica } = await setScene(t, { drainMs: 300_000 })
  bench.terminate('p-1', 600)
  const start = bench.clock.now()
  await bench.settle(replica.controller.drain('SIGTERM'), { stepMs: 500 })
  const took = bench.clock.now() - start
  t.ok(took >= 30_000 && took < 33_000, `${took} ms`)
})

t.test('an NLB gets its two minutes even when it says that all is over', async (t) => {
  const { bench, replica } = await setScene(t, { group: { protocol: 'TCP' }, drainMs: 1_000 })
  bench.terminate('p-1', 600)
  const start = bench.clock.now()
  await bench.settle(replica.controller.drain('SIGTERM'), { stepMs: 500 })
  const took = bench.clock.now() - start
  t.ok(took >= 120_000 && took < 130_000, `${took} ms`)
})

t.test('the last healthy target stays until its successor is healthy', async (t) => {
  const { bench, proxy, replica, isOut } = await setScene(t, { withOther: false })
  bench.terminate('p-1', 120)
  const drained = replica.controller.drain('SIGTERM')
  await bench.pass(10_000)
  t.notOk(isOut(), 'it still serves')
  t.equal(proxy.heardAt('drain'), undefined, 'and the proxy is not told to fail its health check')
  t.ok(proxy.heardAt('hold') !== undefined, 'but to hold')
  bench.pod('p-3')
  const healthyMs = await bench.until(() => bench.healthy().includes('10.0.0.3'))
  const outMs = await bench.until(isOut)
  t.ok(outMs <= 5_500, `leaves ${outMs} ms after its successor was healthy (${healthyMs} ms)`)
  await bench.settle(drained)
})

t.test('the last healthy target leaves in time when no successor comes', async (t) => {
  const { bench, proxy, replica } = await setScene(t, { withOther: false })
  const start = bench.clock.now()
  bench.terminate('p-1', 60)
  await bench.settle(replica.controller.drain('SIGTERM'), { stepMs: 250 })
  t.ok(bench.clock.now() - start <= 60_000)
  t.ok(proxy.heardAt('released') !== undefined)
})

t.test('pods that all terminate at once keep serving until one successor is healthy', async (t) => {
  const { bench, other, replica } = await setScene(t)
  bench.terminate('p-1', 120)
  bench.terminate('p-2', 120)
  const drained = Promise.all([
    replica.controller.drain('SIGTERM'),
    other.controller.drain('SIGTERM'),
  ])
  await bench.pass(5_000)
  t.equal(bench.healthy().length, 2)
  // Nobody leads: a third controller has to register the successor.
  await bench.replica('p-3', ['--pod-name', 'p-3'])
  bench.pod('p-3')
  let fewest = 2
  await bench.until(() => {
    fewest = Math.min(fewest, bench.healthy().length)
    return bench.healthy().length === 1 && bench.healthy()[0] === '10.0.0.3'
  })
  t.ok(fewest >= 1)
  await bench.settle(drained)
})

t.test(
  'AWS throttles: the proxy drains all the same, so that its health check takes it out',
  async (t) => {
    const { bench, proxy, replica } = await setScene(t)
    bench.model.faults.throttle = true
    const start = bench.clock.now()
    bench.terminate('p-1', 120)
    const drained = replica.controller.drain('SIGTERM')
    await bench.until(() => proxy.heardAt('drain') !== undefined)
    const drainMs = (proxy.heardAt('drain') ?? Number.NaN) - start
    t.ok(drainMs <= 3_500, `told after ${drainMs} ms`)
    bench.model.faults.throttle = false
    await bench.until(() => bench.states().includes('10.0.0.1 draining'))
    await bench.settle(drained)
    t.ok(proxy.heardAt('released') !== undefined)
  },
)

t.test('AWS does not take it: what is left of the grace period is for finishing', async (t) => {
  const { bench, proxy, replica } = await setScene(t)
  bench.model.faults.throttle = true
  const start = bench.clock.now()
  bench.terminate('p-1', 120)
  await bench.settle(replica.controller.drain('SIGTERM'), { stepMs: 250 })
  const releasedMs = (proxy.heardAt('released') ?? Number.NaN) - start
  t.ok(releasedMs >= 45_000 && releasedMs < 52_000, `released after ${releasedMs} ms`)
})

t.test('letting go counts from when AWS has taken it', async (t) => {
  const { bench, proxy, replica } = await setScene(t)
  bench.model.faults.throttle = true
  bench.terminate('p-1', 120)
  const drained = replica.controller.drain('SIGTERM')
  await bench.pass(12_000)
  bench.model.faults.throttle = false
  await bench.until(() => bench.states().includes('10.0.0.1 draining'))
  const takenAt = bench.clock.now()
  await bench.settle(drained, { stepMs: 250 })
  const letGoMs = (proxy.heardAt('released') ?? Number.NaN) - takenAt
  t.ok(letGoMs >= 20_000, `AWS needs 20 s, released after ${letGoMs} ms`)
})

t.test('a proxy that does not answer does not stop the deregistration', async (t) => {
  const { bench, proxy, replica, isOut } = await setScene(t)
  await proxy.close()
  bench.terminate('p-1', 60)
  const drained = replica.controller.drain('SIGTERM')
  const outMs = await bench.until(isOut)
  t.ok(outMs < 1_000)
  await bench.settle(drained)
})

t.test('what the proxy expects of the PROXY protocol is asked over its socket', async (t) => {
  const { bench, replica, other } = await setScene(t, {
    group: { protocol: 'TCP', attributes: { 'proxy_protocol_v2.enabled': 'true' } },
  })
  await bench.settle(other.controller.stop())
  await bench.until(() =>
    replica.lines.some(({ message }) => /proxies do not expect them/.test(message)),
  )
  t.match(await replica.metrics(), 'weir_proxy_protocol_mismatch{group="edge"} 1')
})

t.test('all proxies are asked at their admin ports, before any target is added', async (t) => {
  const bench = await Bench.start(t, {
    group: { protocol: 'TCP', attributes: { 'proxy_protocol_v2.enabled': 'true' } },
  })
  bench.pod('p-1')
  bench.pod('p-2')
  bench.proxyModes.set('10.0.0.1', 'required')
  bench.proxyModes.set('10.0.0.2', 'off')
  // A Deployment of its own: no proxy beside it.
  const replica = await bench.replica('c-1')
  await bench.until(() => bench.states().length === 2)
  const said = (words: RegExp): number =>
    replica.lines.findIndex(({ message, fields }) => words.test(`${message} ${fields.action}`))
  t.ok(said(/proxies do not expect them/) >= 0)
  t.ok(said(/proxies do not expect them/) < said(/done register/))
  t.match(await replica.metrics(), 'weir_proxy_protocol_mismatch{group="edge"} 1')
  bench.proxyModes.set('10.0.0.2', 'required')
  await bench.pass(130_000, { stepMs: 500 })
  t.match(await replica.metrics(), 'weir_proxy_protocol_mismatch{group="edge"} 0')
})

t.test('an address outside the VPC leaves with its zone', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1', { ip: '192.168.7.7' })
  bench.pod('p-2')
  const replica = await bench.replica('p-1', ['--pod-name', 'p-1', '--vpc-cidrs', '10.0.0.0/16'])
  await bench.until(() => bench.healthy().length === 2)
  await bench.settle(replica.controller.drain('SIGTERM'))
  t.strictSame(bench.healthy(), ['10.0.0.2'])
})

t.test('instance groups: the node’s instance is deregistered', async (t) => {
  const bench = await Bench.start(t, { group: { targetType: 'instance' } })
  for (const [node, id] of [
    ['node-a', 'i-0123456789abcdef0'],
    ['node-b', 'i-0123456789abcdef1'],
  ] as const) {
    bench.model.instances.add(id)
    bench.api.put({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node },
      spec: { providerID: `aws:///eu-central-1a/${id}` },
    })
  }
  bench.pod('p-1', { node: 'node-a' })
  bench.pod('p-2', { node: 'node-b' })
  const replica = await bench.replica('p-1', ['--pod-name', 'p-1'])
  await bench.until(() => bench.healthy().length === 2)
  bench.terminate('p-1', 60)
  await bench.settle(replica.controller.drain('SIGTERM'))
  t.strictSame(bench.healthy(), ['i-0123456789abcdef1'])
})
