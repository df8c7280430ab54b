import t from 'tap'
import { leases } from '../shared/kube/resources.ts'
import { Bench } from './test/bench.ts'

t.test('one of three leads, and its end makes room at once', async (t) => {
  const bench = await Bench.start(t)
  const replicas = [
    await bench.replica('c-1'),
    await bench.replica('c-2'),
    await bench.replica('c-3'),
  ]
  const leaders = () => replicas.filter(({ controller }) => controller.isLeader)
  await bench.until(() => leaders().length > 0)
  let most = 0
  const look = (): boolean => {
    most = Math.max(most, leaders().length)
    return true
  }
  await bench.until(() => look() && bench.clock.now() > 60_000)
  t.equal(most, 1, 'never two')
  const [first] = leaders()
  await bench.settle(first?.controller.stop() ?? Promise.resolve())
  const nextMs = await bench.until(() => look() && leaders().length === 1)
  t.ok(nextMs <= 5_000, `the next leads after ${nextMs} ms`)
  t.equal(most, 1)
  t.equal(bench.api.get(leases, 'edge', 'weir-controller')?.spec?.leaseTransitions, 2)
})

t.test('a replica that ends while it takes the lease gives it back', async (t) => {
  const bench = await Bench.start(t)
  const first = await bench.replica('c-1')
  const holder = () => bench.api.get(leases, 'edge', 'weir-controller')?.spec?.holderIdentity
  // The server has written, the answer is on its way.
  while (holder() === undefined) await new Promise((resolve) => setImmediate(resolve))
  t.equal(first.controller.isLeader, false)
  await bench.settle(first.controller.stop())
  t.equal(holder(), '')
  t.equal(first.controller.isLeader, false)
})

t.test('a leader that cannot renew stops before anybody else may begin', async (t) => {
  const bench = await Bench.start(t)
  const first = await bench.replica('c-1')
  await bench.until(() => first.controller.isLeader)
  const undo = bench.api.faults.answer({ verbs: ['update'], resource: leases, status: 500 })
  const lostMs = await bench.until(() => !first.controller.isLeader)
  t.ok(lostMs <= 10_000, `stopped after ${lostMs} ms, the lease lasts 15 s`)
  undo()
  await bench.until(() => first.controller.isLeader)
})

t.test('somebody who takes the lease is believed', async (t) => {
  const bench = await Bench.start(t)
  const first = await bench.replica('c-1')
  await bench.until(() => first.controller.isLeader)
  const lease = bench.api.get(leases, 'edge', 'weir-controller')
  bench.api.put({
    ...lease,
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    spec: { ...lease?.spec, holderIdentity: 'other' },
  })
  await bench.until(() => !first.controller.isLeader, { mostMs: 6_000 })
  t.match(first.controller.targets(), { role: 'standby', leader: 'other' })
})

t.test('an annotation that somebody broke is an empty record', async (t) => {
  const bench = await Bench.start(t)
  bench.api.put({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      namespace: 'edge',
      name: 'weir-controller',
      annotations: { 'weir.dev/targets': '{', 'example.org/kept': 'yes' },
    },
    spec: {},
  })
  bench.group.register([{ id: '10.0.9.1', port: 9999, zone: undefined }])
  bench.pod('p-1')
  await bench.replica('c-1', ['--ownership', 'tracked'])
  await bench.until(() => bench.healthy().length === 2)
  await bench.pass(60_000, { stepMs: 500 })
  t.strictSame(bench.healthy(), ['10.0.0.1', '10.0.9.1'], 'nothing is removed')
  const annotations = bench.api.get(leases, 'edge', 'weir-controller')?.metadata?.annotations
  t.equal(annotations?.['example.org/kept'], 'yes')
  t.match(annotations?.['weir.dev/targets'], '10.0.0.1:9999')
})

t.test('a record that cannot be written: nothing is registered', async (t) => {
  const bench = await Bench.start(t)
  const replica = await bench.replica('c-1', ['--ownership', 'tracked'])
  await bench.until(() => replica.controller.isLeader)
  const undo = bench.api.faults.answer({ verbs: ['update'], resource: leases, status: 500 })
  bench.pod('p-1')
  await bench.pass(5_000)
  t.strictSame(bench.states(), [])
  undo()
  await bench.until(() => bench.healthy().length === 1)
})
