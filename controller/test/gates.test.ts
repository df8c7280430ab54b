// Readiness gates that AWS would never open: nobody waits for a check that is not made, and an Event says why.
import t from 'tap'
import { events, pods } from '../../shared/kube/resources.ts'
import { gateCondition } from '../targets/proxy-pods.ts'
import { Bench } from './bench.ts'

const conditionOf = (bench: Bench, name: string) =>
  bench.api.get(pods, 'edge', name)?.status?.conditions?.find(({ type }) => type === gateCondition)

const eventsOf = (bench: Bench, reason: string) =>
  bench.api.list(events).filter((event) => event.reason === reason)

function putNode(bench: Bench, name: string, spec: object): void {
  bench.api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec })
}

t.test('a target group without load balancer: the gate opens, and one Event says so', async (t) => {
  const bench = await Bench.start(t, { group: { loadBalancerArns: [] } })
  bench.pod('p-1', { hasGate: true })
  const replica = await bench.replica('c-1')
  const openMs = await bench.until(() => conditionOf(bench, 'p-1')?.status === 'True')
  t.ok(openMs <= 10_000, `open after ${openMs} ms`)
  t.match(conditionOf(bench, 'p-1'), { reason: 'TargetNotChecked', message: /group edge/ })
  await bench.pass(120_000, { stepMs: 1_000 })
  const said = eventsOf(bench, 'TargetGateSkipped')
  t.match(said, [
    {
      type: 'Warning',
      count: 1,
      involvedObject: { kind: 'Pod', name: 'p-1' },
      message:
        /^edge\/p-1: opens without asking target group edge: no load balancer uses the group/,
    },
  ])
  t.equal(said.length, 1)
  t.equal(replica.lines.filter(({ fields }) => fields.action === 'skip-gate').length, 1)
  t.strictSame(bench.states(), ['10.0.0.1 unused'], 'it is registered all the same')
})

t.test(
  'a zone that is not enabled: the gate of its pod opens after a while, others are asked',
  async (t) => {
    const bench = await Bench.start(t)
    bench.group.unused.set('10.0.0.1:9999', 'Target.NotInUse')
    bench.group.health.set('10.0.0.2:9999', false)
    bench.pod('p-1', { hasGate: true })
    bench.pod('p-2', { hasGate: true })
    await bench.replica('c-1')
    const openMs = await bench.until(() => conditionOf(bench, 'p-1')?.status === 'True')
    t.ok(openMs >= 30_000 && openMs < 40_000, `open after ${openMs} ms`)
    await bench.pass(60_000, { stepMs: 1_000 })
    t.equal(conditionOf(bench, 'p-2'), undefined, 'an unhealthy target keeps its gate')
    t.match(eventsOf(bench, 'TargetGateSkipped'), [{ message: /enable its zone/ }])
  },
)

t.test(
  'nodes without an instance id: the gate opens, unless the node is still being set up',
  async (t) => {
    const bench = await Bench.start(t, { group: { targetType: 'instance' } })
    bench.model.instances.add('i-0123456789abcdef0')
    putNode(bench, 'ec2', { providerID: 'aws:///eu-central-1a/i-0123456789abcdef0' })
    putNode(bench, 'metal', {})
    putNode(bench, 'new', { taints: [{ key: 'node.cloudprovider.kubernetes.io/uninitialized' }] })
    for (const [name, node] of [
      ['p-1', 'ec2'],
      ['p-2', 'metal'],
      ['p-3', 'new'],
    ] as const) {
      bench.pod(name, { node, hasGate: true })
    }
    await bench.replica('c-1')
    await bench.until(() => conditionOf(bench, 'p-1')?.status === 'True')
    await bench.until(() => conditionOf(bench, 'p-2')?.status === 'True')
    await bench.pass(60_000, { stepMs: 1_000 })
    t.match(conditionOf(bench, 'p-1'), { reason: 'TargetHealthy' })
    t.match(conditionOf(bench, 'p-2'), { reason: 'TargetNotChecked' })
    t.equal(conditionOf(bench, 'p-3'), undefined)
    t.match(eventsOf(bench, 'TargetGateSkipped'), [
      {
        count: 1,
        involvedObject: { name: 'p-2' },
        message: /spec\.providerID: keep the proxies off/,
      },
    ])

    bench.model.instances.add('i-00000000000000003')
    putNode(bench, 'new', { providerID: 'aws:///eu-central-1a/i-00000000000000003' })
    bench.pod('p-3', { node: 'new', hasGate: true })
    await bench.until(() => conditionOf(bench, 'p-3')?.status === 'True')
    t.match(conditionOf(bench, 'p-3'), { reason: 'TargetHealthy' }, 'and it was asked')
  },
)

t.test('an AWS that does not answer opens nothing', async (t) => {
  const bench = await Bench.start(t, { group: { loadBalancerArns: [] } })
  bench.pod('p-1', { hasGate: true })
  bench.model.faults.denied.add('DescribeTargetHealth')
  await bench.replica('c-1')
  await bench.pass(120_000, { stepMs: 1_000 })
  t.equal(conditionOf(bench, 'p-1'), undefined)
  bench.model.faults.denied.clear()
  await bench.until(() => conditionOf(bench, 'p-1')?.status === 'True')
  t.equal(eventsOf(bench, 'TargetGateSkipped').length, 1)
})
