// One replica against the API server and the strict ELBv2 model: what users see.
import t from 'tap'
import type { Ingress } from '../../shared/kube/objects.ts'
import { events, ingresses, pods } from '../../shared/kube/resources.ts'
import { gateCondition } from '../targets/proxy-pods.ts'
import { Bench } from './bench.ts'

t.test('ready proxies become targets, terminating ones leave', async (t) => {
  const bench = await Bench.start(t)
  for (const name of ['p-1', 'p-2', 'p-3']) bench.pod(name)
  bench.pod('p-4', { isReady: false })
  const replica = await bench.replica('c-1')
  await bench.until(() => bench.healthy().length === 3)
  t.strictSame(bench.healthy(), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])

  bench.pod('p-4')
  const registered = await bench.until(() => bench.states().includes('10.0.0.4 initial'))
  t.ok(registered < 1000, `registered ${registered} ms after it was ready`)
  await bench.until(() => bench.healthy().length === 4)

  bench.terminate('p-1')
  const left = await bench.until(() => bench.states().includes('10.0.0.1 draining'))
  t.ok(left < 1000, `left ${left} ms after it began to terminate`)
  bench.remove('p-1')
  await bench.until(() => bench.states().length === 3)
  await bench.pass(31_000)
  const reasons = bench.api.list(events).map(({ reason }) => reason)
  t.match(reasons.filter((reason) => reason === 'TargetRegistered').length, 4)
  t.ok(reasons.includes('TargetDeregistered'))
  const metrics = await replica.metrics()
  t.match(metrics, 'weir_target_changes_total{operation="register",result="ok"} 4')
  t.match(metrics, 'weir_target_changes_total{operation="deregister",result="ok"} 1')
  t.match(metrics, 'weir_targets{group="edge",state="healthy"} 3')
  t.match(metrics, 'weir_target_ready_to_registered_seconds_count 4')
  t.match(metrics, 'weir_target_ready_to_healthy_seconds_count 4')
  t.match(metrics, 'weir_target_termination_to_gone_seconds_count 1')
  t.match(metrics, 'weir_controller_leader 1')
  t.match(replica.controller.targets(), {
    role: 'leader',
    groups: [{ problem: '', wanted: [{}, {}, {}], observed: [{}, {}, {}], plan: [] }],
  })
})

t.test('an idle leader calls AWS about 156 times an hour', async (t) => {
  const bench = await Bench.start(t)
  for (const name of ['p-1', 'p-2', 'p-3']) bench.pod(name)
  await bench.replica('c-1')
  await bench.until(() => bench.healthy().length === 3)
  await bench.pass(60_000, { stepMs: 1_000 })
  const before = bench.model.countCalls()
  await bench.pass(600_000, { stepMs: 2_000 })
  const perHour = (bench.model.countCalls() - before) * 6
  t.comment(`${perHour} calls per hour`)
  t.ok(perHour <= 160)
})

t.test('a force-deleted pod leaves: its absence is confirmed by a 404', async (t) => {
  const bench = await Bench.start(t)
  for (const name of ['p-1', 'p-2', 'p-3']) bench.pod(name)
  await bench.replica('c-1')
  await bench.until(() => bench.healthy().length === 3)
  await bench.pass(5_000)
  bench.remove('p-1')
  bench.remove('p-2')
  const leftMs = await bench.until(() => bench.healthy().length === 1)
  t.ok(leftMs < 1_000, `both left after ${leftMs} ms: the guard lets confirmed ones go`)
})

t.test('a readiness gate opens when the target is healthy in every group', async (t) => {
  const bench = await Bench.start(t)
  const [lb = ''] = bench.model.balancers.keys()
  const second = bench.model.addGroup({ name: 'second', loadBalancerArns: [lb] })
  second.health.set('10.0.0.1:9999', false)
  bench.pod('p-1', { hasGate: true })
  await bench.replica('c-1', ['--target-group', 'edge,second'])
  await bench.until(() => bench.healthy().length === 1)
  await bench.pass(10_000)
  const gate = (): string | undefined =>
    bench.api
      .get(pods, 'edge', 'p-1')
      ?.status?.conditions?.find(({ type }) => type === gateCondition)?.status
  t.equal(gate(), undefined, 'not healthy in the second group')
  second.health.delete('10.0.0.1:9999')
  const openMs = await bench.until(() => gate() === 'True')
  t.ok(openMs <= 5_000, `open ${openMs} ms after the target was healthy`)
  const conditions = bench.api.get(pods, 'edge', 'p-1')?.status?.conditions ?? []
  t.ok(
    conditions.some(({ type }) => type === 'ContainersReady'),
    'the conditions of the kubelet stay',
  )
})

function ingress(name: string, ingressClassName: string): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name },
    spec: { ingressClassName },
  }
}

t.test(
  'Ingress status shows the load balancer once a target is healthy, on our Ingresses only',
  async (t) => {
    const bench = await Bench.start(t)
    bench.api.put(ingress('ours', 'weir'))
    bench.api.put(ingress('theirs', 'nginx'))
    const replica = await bench.replica('c-1', ['--ingress-status', 'auto'])
    const shown = (name: string): string | undefined =>
      bench.api.get(ingresses, 'shop', name)?.status?.loadBalancer?.ingress?.[0]?.hostname
    await bench.pass(10_000)
    t.equal(shown('ours'), undefined, 'no target is healthy yet')
    bench.pod('p-1')
    await bench.until(() => shown('ours') !== undefined)
    t.match(shown('ours'), /^lb-1\.eu-central-1\.elb\.amazonaws\.com$/)
    t.equal(shown('theirs'), undefined)
    t.equal(bench.healthy().length, 1)
    const writes = (): number =>
      bench.api.requests.filter(
        ({ verb, resource }) => verb === 'patch' && resource.kind === 'Ingress',
      ).length
    const before = writes()
    await bench.pass(120_000, { stepMs: 1_000 })
    t.equal(writes(), before, 'no write when nothing changes')

    bench.model.faults.isDown = true
    bench.model.groups.delete(bench.group.arn)
    await bench.pass(90_000, { stepMs: 1_000 })
    t.match(shown('ours'), /^lb-1/, 'never removed on errors')
    t.ok(bench.api.list(events).some(({ reason }) => reason === 'LoadBalancerPublished'))
    t.ok(replica.controller.isLeader)
  },
)

t.test('a thousand Ingresses get their status without holding up the targets', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1')
  for (let at = 0; at < 1000; at++) bench.api.put(ingress(`i-${at}`, 'weir'))
  const replica = await bench.replica('c-1', ['--ingress-status', 'edge.example.org'])
  const shown = (): number =>
    bench.api
      .list(ingresses)
      .filter(({ status }) => status?.loadBalancer?.ingress?.[0]?.hostname !== undefined).length
  await bench.until(() => shown() > 0)
  bench.pod('p-2')
  const registered = await bench.until(() => bench.states().includes('10.0.0.2 initial'))
  t.ok(registered <= 1_000, `registered ${registered} ms after it was ready`)
  await bench.until(() => shown() === 1000)
  t.ok(replica.controller.isLeader)
})

t.test('a permission that is missing for status costs no more calls to AWS', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1')
  bench.api.put(ingress('ours', 'weir'))
  bench.api.faults.deny(['patch'], ingresses)
  const replica = await bench.replica('c-1', ['--ingress-status', 'edge.example.org'])
  await bench.until(() => replica.lines.some(({ message }) => message === 'failed'))
  const before = bench.model.countCalls()
  await bench.pass(60_000, { stepMs: 500 })
  t.ok(bench.model.countCalls() - before <= 5)
  t.equal(replica.lines.filter(({ message }) => message === 'failed').length, 1, 'said once')
})

t.test('a permission that is missing for Ingresses does not stop the targets', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1')
  bench.api.faults.deny(['list'], ingresses)
  await bench.replica('c-1', ['--ingress-status', 'edge.example.org'])
  await bench.until(() => bench.healthy().length === 1)
  t.equal(bench.healthy().length, 1)
})

t.test('a conflict while writing status is tried again', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1')
  bench.api.put(ingress('ours', 'weir'))
  bench.api.faults.answer({
    verbs: ['patch'],
    resource: ingresses,
    status: 409,
    reason: 'Conflict',
    times: 2,
  })
  await bench.replica('c-1', ['--ingress-status', 'edge.example.org'])
  await bench.until(
    () =>
      bench.api.get(ingresses, 'shop', 'ours')?.status?.loadBalancer?.ingress?.[0]?.hostname ===
      'edge.example.org',
  )
  t.equal(bench.healthy().length, 1)
})

t.test('IPv6 groups take the IPv6 addresses', async (t) => {
  const bench = await Bench.start(t, { group: { ipAddressType: 'ipv6' } })
  bench.pod('p-1', { ip: '10.0.0.1', ips: ['10.0.0.1', 'fd00:0:0::7'] })
  await bench.replica('c-1')
  await bench.until(() => bench.healthy().length === 1)
  t.strictSame(bench.healthy(), ['fd00::7'])
  await bench.pass(60_000, { stepMs: 500 })
  t.equal(bench.model.countCalls('RegisterTargets'), 1, 'and they are recognised')
})

t.test(
  'addresses outside the VPC are registered with the zone all, and leave with it',
  async (t) => {
    const bench = await Bench.start(t)
    for (let at = 1; at <= 20; at++) bench.pod(`p-${at}`)
    bench.pod('p-99', { ip: '192.168.7.7' })
    await bench.replica('c-1')
    await bench.until(() => bench.healthy().length === 21)
    t.equal(bench.group.view().find(({ id }) => id === '192.168.7.7')?.zone, 'all')
    t.comment(`${bench.model.countCalls('RegisterTargets')} calls to find the one address`)
    bench.terminate('p-99')
    await bench.until(() => bench.states().includes('192.168.7.7 draining'))
    t.equal(bench.healthy().length, 20)
  },
)

t.test('--vpc-cidrs says it without trying', async (t) => {
  const bench = await Bench.start(t)
  bench.pod('p-1')
  bench.pod('p-99', { ip: '192.168.7.7' })
  await bench.replica('c-1', ['--vpc-cidrs', '10.0.0.0/16'])
  await bench.until(() => bench.healthy().length === 2)
  t.equal(bench.model.countCalls('RegisterTargets'), 1)
})

t.test('--drain-nodes takes the proxies of a cordoned node out, and back in', async (t) => {
  const bench = await Bench.start(t)
  const node = (name: string, isCordoned: boolean): unknown =>
    bench.api.put({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: isCordoned ? { unschedulable: true } : {},
    })
  for (const name of ['a', 'b', 'c']) {
    node(name, false)
    bench.pod(`p-${name.charCodeAt(0) - 96}`, { node: name })
  }
  await bench.replica('c-1', ['--drain-nodes'])
  await bench.until(() => bench.healthy().length === 3)
  node('a', true)
  const outMs = await bench.until(() => bench.states().includes('10.0.0.1 draining'))
  t.ok(outMs < 1_000, `out after ${outMs} ms`)
  node('a', false)
  await bench.until(() => bench.healthy().length === 3)
})

t.test('--proxy-service: the endpoints of the Service are the proxies', async (t) => {
  const bench = await Bench.start(t)
  const slice = (ready: readonly boolean[]): unknown =>
    bench.api.put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace: 'edge',
        name: 'weir-abc',
        labels: { 'kubernetes.io/service-name': 'weir' },
      },
      addressType: 'IPv4',
      endpoints: ready.map((isReady, at) => ({
        addresses: [`10.0.0.${at + 1}`],
        conditions: { ready: isReady, serving: true, terminating: !isReady },
        targetRef: { kind: 'Pod', namespace: 'edge', name: `p-${at + 1}`, uid: `u${at + 1}` },
      })),
    })
  slice([true, true])
  await bench.replica('c-1', ['--proxy-service', 'weir'])
  await bench.until(() => bench.healthy().length === 2)
  slice([true, false])
  await bench.until(() => bench.states().includes('10.0.0.2 draining'))
  t.strictSame(bench.healthy(), ['10.0.0.1'])
})

t.test(
  '--dry-run --once prints the plan, changes nothing, and tells by its exit code',
  async (t) => {
    const bench = await Bench.start(t)
    bench.pod('p-1')
    bench.group.register([{ id: '10.0.9.9', port: 9999, zone: undefined }])
    await bench.pass(5_000)
    const dry = await bench.prepare('dry', ['--dry-run', '--once'])
    t.equal(await bench.settle(dry.controller.runOnce()), 3)
    t.match(
      dry.printed.join(''),
      /register {2}edge {3}10\.0\.0\.1:9999 {2}pod is ready \(edge\/p-1\)/,
    )
    t.match(
      dry.printed.join(''),
      /held {6}edge {3}10\.0\.9\.9:9999 {2}new targets are not healthy yet/,
    )
    t.strictSame(bench.states(), ['10.0.9.9 healthy'])
    t.equal(bench.model.countCalls('RegisterTargets'), 0)

    const json = await bench.prepare('json', ['--dry-run', '--once', '--output', 'json'])
    t.equal(await bench.settle(json.controller.runOnce()), 3)
    t.match(JSON.parse(json.printed.join('')), {
      rows: [{ action: 'register' }, { action: 'held' }],
    })

    const wet = await bench.prepare('wet', ['--once'])
    t.equal(await bench.settle(wet.controller.runOnce()), 0)
    t.ok(bench.states().includes('10.0.0.1 initial'))
  },
)

t.test(
  'a group that sends PROXY v2 to proxies that do not expect it is said loudly, once',
  async (t) => {
    const bench = await Bench.start(t, {
      group: { protocol: 'TCP', attributes: { 'proxy_protocol_v2.enabled': 'true' } },
    })
    bench.pod('p-1')
    const replica = await bench.replica('c-1', ['--proxy-protocol', 'off'])
    await bench.until(() => bench.healthy().length === 1)
    await bench.pass(60_000, { stepMs: 500 })
    const at = replica.lines.findIndex(({ message }) => /proxy_protocol_v2\.enabled/.test(message))
    const registered = replica.lines.findIndex(({ fields }) => fields.action === 'register')
    t.ok(at !== -1 && at < registered, 'before any target is added')
    t.equal(replica.lines.filter(({ message }) => /proxy_protocol_v2/.test(message)).length, 1)
    t.match(await replica.metrics(), 'weir_proxy_protocol_mismatch{group="edge"} 1')
    t.ok(bench.api.list(events).some(({ reason }) => reason === 'ProxyProtocolMismatch'))
  },
)
