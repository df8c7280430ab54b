// Which gates open, one row per view of a group: the last invariant is that none waits for a check that is never made.
import t from 'tap'
import { groupFacts, groupView, observed, podRef, wanted, world } from '../test/fixtures.ts'
import type { Action, GatedPod, GroupFacts, GroupView, TargetState } from '../world.ts'
import { planGates } from './plan-gates.ts'

const now = 1_000_000
const key = '10.0.0.1:9999'
const used: GroupFacts = { ...groupFacts, loadBalancerArns: ['arn:lb'] }
const unplaced = 'its node has no EC2 instance id'

const gated = (parts: Partial<GatedPod> = {}): GatedPod => ({
  pod: podRef('10.0.0.1'),
  targets: new Map([[groupFacts.arn, key]]),
  unplaced: new Map(),
  isOpen: false,
  ...parts,
})

/** What a group shows of the pod's target, `forMs` after it was wanted. */
function view(state: TargetState, reason = '', forMs = 0, facts = used): GroupView {
  return groupView({
    facts,
    observed: [observed('10.0.0.1', state, reason)],
    wanted: [wanted('10.0.0.1')],
    pendingSince: new Map([[key, now - forMs]]),
  })
}

function gates(pod: GatedPod, groups: readonly GroupView[]): Action[] {
  return planGates(world({ nowMs: now, groups, gatedPods: [pod] }))
}

const noId = gated({ targets: new Map(), unplaced: new Map([[groupFacts.arn, unplaced]]) })
const cases: readonly {
  readonly why: string
  readonly pod?: GatedPod
  readonly view: GroupView
  readonly opens: RegExp | 'open-gate' | 'no'
}[] = [
  { why: 'AWS finds it healthy', view: view('healthy'), opens: 'open-gate' },
  { why: 'health checks are off', view: view('unavailable'), opens: 'open-gate' },
  {
    why: 'AWS is about to check it',
    view: view('initial', 'Elb.InitialHealthChecking'),
    opens: 'no',
  },
  { why: 'it failed its checks', view: view('unhealthy', 'Target.Timeout', 600_000), opens: 'no' },
  { why: 'it is on its way out', view: view('draining', '', 600_000), opens: 'no' },
  {
    why: 'not registered yet: that is our own next step',
    view: view('unused', 'Target.NotRegistered', 600_000, groupFacts),
    opens: 'no',
  },
  {
    why: 'no load balancer uses the group',
    view: view('unused', 'Target.NotInUse', 0, groupFacts),
    opens: /^opens without asking target group edge: no load balancer .* let a listener forward/,
  },
  {
    why: 'unused behind a load balancer: perhaps only while AWS takes the listener into use',
    view: view('unused', 'Target.NotInUse', 29_999),
    opens: 'no',
  },
  {
    why: 'unused for good: its zone is not enabled',
    view: view('unused', 'Target.NotInUse', 30_000),
    opens: /^opens without asking target group edge: .* enable its zone/,
  },
  {
    why: 'the instance is stopped',
    view: view('unused', 'Target.InvalidState', 30_000),
    opens: /stopped or terminated: replace the node$/,
  },
  {
    why: 'a load balancer has its address',
    view: view('unused', 'Target.IpUnusable', 30_000),
    opens: /addresses of their own$/,
  },
  {
    why: 'a reason that is new to us',
    view: view('unused', 'Target.Odd', 30_000),
    opens: /\(Target\.Odd\): look at it with aws elbv2/,
  },
  {
    why: 'no reason at all',
    view: view('unused', '', 30_000),
    opens: /\(no reason given\)/,
  },
  {
    why: 'nobody began to wait for it: a first look',
    view: groupView({ facts: used, observed: [observed('10.0.0.1', 'unused', 'Target.NotInUse')] }),
    opens: 'no',
  },
  { why: 'it is not in the group yet', view: groupView({ facts: used }), opens: 'no' },
  {
    why: 'not in a group without load balancer either: registering comes first',
    view: groupView({ facts: groupFacts }),
    opens: 'no',
  },
  {
    why: 'AWS does not answer',
    view: groupView({ facts: used, observed: undefined }),
    opens: 'no',
  },
  {
    why: 'it can never be a target here',
    pod: noId,
    view: groupView({ facts: used }),
    opens: /^opens without asking target group edge: its node has no EC2 instance id$/,
  },
  {
    why: 'no target, and none that can never be: the node may still tell its id',
    pod: gated({ targets: new Map() }),
    view: groupView({ facts: used }),
    opens: 'no',
  },
  {
    why: 'never a target here, but AWS does not answer: nothing is known',
    pod: noId,
    view: groupView({ facts: used, observed: undefined }),
    opens: 'no',
  },
  { why: 'it is open already', pod: gated({ isOpen: true }), view: view('healthy'), opens: 'no' },
]

for (const { why, pod = gated(), view, opens } of cases) {
  t.test(`${opens === 'no' ? 'stays closed' : 'opens'}: ${why}`, async (t) => {
    const actions = gates(pod, [view])
    const expected = opens === 'open-gate' ? { kind: opens } : { kind: 'skip-gate', reason: opens }
    t.equal(actions.length, opens === 'no' ? 0 : 1)
    if (opens !== 'no') t.match(actions[0], { ...expected, pod: pod.pod })
  })
}

const other = { ...used, arn: 'arn:other', name: 'other' }
const inBoth = gated({
  targets: new Map([
    [groupFacts.arn, key],
    [other.arn, key],
  ]),
})
const pairs: readonly {
  readonly why: string
  readonly second: GroupView
  readonly opens: RegExp | 'open-gate' | 'no'
}[] = [
  { why: 'healthy in both', second: view('healthy', '', 0, other), opens: 'open-gate' },
  { why: 'one that AWS still checks holds it', second: view('initial', '', 0, other), opens: 'no' },
  {
    why: 'the group that asks nothing is named, the other one was asked',
    second: view('unused', 'Target.NotInUse', 0, { ...other, loadBalancerArns: [] }),
    opens: /^opens without asking target group other: no load balancer/,
  },
]

for (const { why, second, opens } of pairs) {
  t.test(`two groups: ${why}`, async (t) => {
    const actions = gates(inBoth, [view('healthy'), second])
    const expected = opens === 'open-gate' ? { kind: opens } : { kind: 'skip-gate', reason: opens }
    t.equal(actions.length, opens === 'no' ? 0 : 1)
    if (opens !== 'no') t.match(actions[0], expected)
    t.notMatch(JSON.stringify(actions), /group edge/)
  })
}

t.test('without any group nothing is known, and nothing opens', async (t) => {
  t.strictSame(gates(noId, []), [])
})
