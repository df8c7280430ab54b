import t from 'tap'
import { createCidrSet } from '../../shared/cidr.ts'
import type { EndpointSlice, Node, Pod } from '../../shared/kube/objects.ts'
import { groupFacts } from '../test/fixtures.ts'
import { leavingMark } from './leaving-nodes.ts'
import { gateCondition, proxiesFromPods, proxiesFromSlices } from './proxy-pods.ts'
import { listWantedTargets, type WantedInput } from './wanted-targets.ts'

interface PodParts {
  readonly ready?: string
  readonly containersReady?: string
  readonly other?: string
  readonly gates?: readonly string[]
  readonly phase?: string
  readonly isTerminating?: boolean
  readonly ips?: readonly string[]
  readonly node?: string
}

function pod(parts: PodParts = {}): Pod {
  const { ready = 'True', containersReady = 'True', gates = [], phase = 'Running' } = parts
  return {
    metadata: {
      namespace: 'edge',
      name: 'p',
      uid: 'u',
      ...(parts.isTerminating === true ? { deletionTimestamp: '2026-01-01T00:01:00Z' } : {}),
    },
    spec: {
      nodeName: parts.node ?? 'n',
      readinessGates: gates.map((conditionType) => ({ conditionType })),
    },
    status: {
      phase,
      podIPs: (parts.ips ?? ['10.0.0.1']).map((ip) => ({ ip })),
      conditions: [
        { type: 'Ready', status: ready },
        { type: 'ContainersReady', status: containersReady },
        ...(parts.other === undefined ? [] : [{ type: 'example.org/other', status: parts.other }]),
      ],
    },
  }
}

const gated = [gateCondition]
const both = [gateCondition, 'example.org/other']

const cases = [
  { name: 'a ready pod', parts: {}, wanted: true, why: 'it is ready' },
  { name: 'an unready pod', parts: { ready: 'False' }, wanted: false, why: 'not ready' },
  { name: 'Ready unknown', parts: { ready: 'Unknown' }, wanted: false, why: 'its node is away' },
  { name: 'a terminating pod', parts: { isTerminating: true }, wanted: false, why: 'terminating' },
  { name: 'an evicted pod', parts: { phase: 'Failed' }, wanted: false, why: 'its address is free' },
  {
    name: 'a pod that waits for our gate only',
    parts: { ready: 'False', gates: gated },
    wanted: true,
    why: 'the gate opens when the target is healthy: it must be registered before',
  },
  {
    name: 'a gated pod whose containers are not ready',
    parts: { ready: 'False', containersReady: 'False', gates: gated },
    wanted: false,
    why: 'the gate is not what it waits for',
  },
  {
    name: 'a pod that waits for another gate too',
    parts: { ready: 'False', gates: both, other: 'False' },
    wanted: false,
    why: 'somebody else holds it back',
  },
  {
    name: 'a pod whose other gate is open',
    parts: { ready: 'False', gates: both, other: 'True' },
    wanted: true,
    why: 'only ours is closed',
  },
  { name: 'a pod without address', parts: { ips: [] }, wanted: false, why: 'nothing to register' },
]

const input: Omit<WantedInput, 'proxies'> = {
  nodes: undefined,
  drainNodes: false,
  targetPort: 9999,
  vpcRanges: undefined,
  outsideVpc: new Set(),
}

for (const { name, parts, wanted, why } of cases) {
  t.test(`${name} is ${wanted ? 'wanted' : 'not wanted'}: ${why}`, async (t) => {
    const proxies = proxiesFromPods([pod(parts)])
    const targets = listWantedTargets(groupFacts, { ...input, proxies })
    t.equal(targets.wanted.length, wanted ? 1 : 0)
  })
}

const marks: { node: Node; mark: string | undefined; why: string }[] = [
  { node: {}, mark: undefined, why: 'an ordinary node' },
  { node: { spec: { unschedulable: true } }, mark: 'spec.unschedulable', why: 'cordoned' },
  {
    node: { spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } },
    mark: 'ToBeDeletedByClusterAutoscaler',
    why: 'scale-down',
  },
  {
    node: { spec: { taints: [{ key: 'karpenter.sh/disrupted', effect: 'NoSchedule' }] } },
    mark: 'karpenter.sh/disrupted',
    why: 'consolidation',
  },
  {
    node: { spec: { taints: [{ key: 'DeletionCandidateOfClusterAutoscaler' }] } },
    mark: undefined,
    why: 'only a candidate: it may stay',
  },
  {
    node: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    mark: 'deletionTimestamp',
    why: 'being deleted',
  },
]

for (const { node, mark, why } of marks) {
  t.test(`a node is leaving by ${mark}: ${why}`, async (t) => {
    t.equal(leavingMark(node), mark)
    const proxies = proxiesFromPods([pod()])
    const nodes = new Map([['n', node]])
    const drained = listWantedTargets(groupFacts, { ...input, proxies, nodes, drainNodes: true })
    t.equal(drained.wanted.length, mark === undefined ? 1 : 0)
    const ignored = listWantedTargets(groupFacts, { ...input, proxies, nodes })
    t.equal(ignored.wanted.length, 1, 'without --drain-nodes it stays')
  })
}

t.test('instance groups: one target per node, however many pods', async (t) => {
  const group = { ...groupFacts, targetType: 'instance' as const }
  const providerID = 'aws:///eu-central-1a/i-0123456789abcdef0'
  const nodes = new Map<string, Node>([
    ['n', { spec: { providerID } }],
    ['fargate', { spec: { providerID: 'aws:///eu-central-1a/abc/fargate-ip-10-0-0-1' } }],
  ])
  const proxies = proxiesFromPods([pod(), pod({ isTerminating: true }), pod({ node: 'fargate' })])
  const targets = listWantedTargets(group, { ...input, proxies, nodes })
  t.strictSame(
    targets.wanted.map(({ key }) => key),
    ['i-0123456789abcdef0:9999'],
  )
  t.equal(targets.departures.size, 0, 'the other pod of the node counts')
  t.match(targets.unplaced, [{ reason: /no EC2 instance id/, isLasting: true }])
})

t.test('addresses are taken by family and written in one way', async (t) => {
  const proxies = proxiesFromPods([pod({ ips: ['10.0.0.1', 'FD00:0::1'] })])
  const v6 = { ...groupFacts, ipAddressType: 'ipv6' as const }
  t.match(listWantedTargets(v6, { ...input, proxies }).wanted, [{ key: '[fd00::1]:9999' }])
  t.match(listWantedTargets(groupFacts, { ...input, proxies }).wanted, [{ key: '10.0.0.1:9999' }])
  const onlyV4 = proxiesFromPods([pod()])
  t.match(listWantedTargets(v6, { ...input, proxies: onlyV4 }).unplaced, [
    { reason: /^it has no ipv6 address: /, isLasting: true },
  ])
})

t.test('an address outside the VPC gets the zone all', async (t) => {
  const vpcRanges = createCidrSet(['10.0.0.0/16'])
  const proxies = proxiesFromPods([pod({ ips: ['192.168.0.1'] })])
  t.match(listWantedTargets(groupFacts, { ...input, proxies, vpcRanges }).wanted, [{ zone: 'all' }])
  const inside = proxiesFromPods([pod()])
  const [target] = listWantedTargets(groupFacts, { ...input, proxies: inside, vpcRanges }).wanted
  t.equal(target?.zone, undefined)
})

t.test('slices: both families of a pod are one proxy; pods add the gate', async (t) => {
  const slice = (addressType: string, address: string): EndpointSlice => ({
    metadata: { namespace: 'edge', name: addressType },
    addressType,
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: false },
        targetRef: { kind: 'Pod', namespace: 'edge', name: 'p', uid: 'u' },
      },
    ],
  })
  const slices = [slice('IPv4', '10.0.0.1'), slice('IPv6', 'fd00::1')]
  const [alone] = proxiesFromSlices(slices, [])
  t.match(alone, { addresses: ['10.0.0.1', 'fd00::1'], isReady: false, gate: 'none' })
  const waiting = pod({ ready: 'False', gates: gated })
  const [known] = proxiesFromSlices(slices, [waiting])
  t.match(known, { isReady: true, gate: 'closed' })
})

t.test('slices: an endpoint that says nothing of its readiness is ready', async (t) => {
  const [proxy] = proxiesFromSlices(
    [{ endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'p' } }] }],
    [],
  )
  t.equal(proxy?.isReady, true)
})
