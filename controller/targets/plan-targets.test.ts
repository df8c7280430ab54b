import t from 'tap'
import { groupView, limits, observed, podRef, summary, wanted } from '../test/fixtures.ts'
import type { Departure, DepartureReason, GroupView, Limits } from '../world.ts'
import { planTargets } from './plan-targets.ts'
import { targetKey } from './target-key.ts'

const now = 1_000_000
const a = 'a:9999'
const b = 'b:9999'

function departing(rows: Readonly<Record<string, DepartureReason>>): Map<string, Departure> {
  return new Map(
    Object.entries(rows).map(([id, why]) => [targetKey(id, 9999), { why, pod: podRef(id) }]),
  )
}

interface Case {
  readonly name: string
  readonly view: Partial<GroupView>
  readonly limits?: Partial<Limits>
  readonly plan: readonly string[]
  readonly why: string
}

const cases: Case[] = [
  {
    name: 'a new proxy',
    view: { wanted: [wanted('a')] },
    plan: ['register a:9999'],
    why: 'it is missing',
  },
  {
    name: 'a proxy that is registered',
    view: { wanted: [wanted('a')], observed: [observed('a', 'healthy')] },
    plan: [],
    why: 'nothing to do',
  },
  {
    name: 'a wanted target that AWS finds unhealthy',
    view: { wanted: [wanted('a')], observed: [observed('a', 'unhealthy')] },
    plan: [],
    why: 'health is the load balancer’s to judge; the target stays registered',
  },
  {
    name: 'a wanted address that is draining',
    view: { wanted: [wanted('a')], observed: [observed('a', 'draining')] },
    plan: ['register a:9999'],
    why: 'draining targets do not count as present: a new pod may have taken the address',
  },
  {
    name: 'a wanted address in unhealthy.draining',
    view: { wanted: [wanted('a')], observed: [observed('a', 'unhealthy.draining')] },
    plan: ['register a:9999'],
    why: 'the same state under another name',
  },
  {
    name: 'a target that AWS says is not registered',
    view: { wanted: [wanted('a')], observed: [observed('a', 'unused', 'Target.NotRegistered')] },
    plan: ['register a:9999'],
    why: 'AWS lists it only because it was asked for',
  },
  {
    name: 'a group without load balancer',
    view: { wanted: [wanted('a')], observed: [observed('a', 'unused', 'Target.NotInUse')] },
    plan: [],
    why: 'unused but registered',
  },
  {
    name: 'an unwanted target that is draining',
    view: {
      wanted: [wanted('a')],
      observed: [observed('a', 'healthy'), observed('b', 'draining')],
    },
    plan: [],
    why: 'it is on its way out already',
  },
  {
    name: 'a terminating pod among healthy ones',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'healthy')],
      departures: departing({ a: 'terminating' }),
    },
    plan: ['deregister a:9999 (pod is terminating)'],
    why: 'its process ends soon, waiting would cost requests',
  },
  {
    name: 'a terminating pod whose successor is not healthy yet',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'initial')],
      departures: departing({ a: 'terminating' }),
    },
    plan: ['held a:9999 min-targets'],
    why: 'it is the last healthy one and still serves',
  },
  {
    name: 'every pod terminating at once',
    view: {
      wanted: [wanted('c')],
      observed: [observed('a', 'healthy'), observed('b', 'healthy'), observed('c', 'initial')],
      departures: departing({ a: 'terminating', b: 'terminating' }),
    },
    plan: ['held a:9999 min-targets', 'held b:9999 min-targets'],
    why: 'terminating targets do not vouch for each other',
  },
  {
    name: 'a replacement',
    view: { wanted: [wanted('b')], observed: [observed('a', 'healthy')] },
    plan: ['register b:9999', 'held a:9999 awaiting-healthy'],
    why: 'register first; the old target goes when the new one is healthy',
  },
  {
    name: 'a replacement that is not healthy yet',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'initial')],
      pendingSince: new Map([[b, now - 119_999]]),
    },
    plan: ['held a:9999 awaiting-healthy'],
    why: 'the wait lasts two minutes',
  },
  {
    name: 'a replacement that never gets healthy',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'unhealthy')],
      pendingSince: new Map([[b, now - 120_000]]),
    },
    plan: ['held a:9999 min-targets'],
    why: 'the wait is bounded, the guard is not',
  },
  {
    name: 'a replacement among others that never gets healthy',
    view: {
      wanted: [wanted('b'), wanted('c')],
      observed: [observed('a', 'healthy'), observed('b', 'unhealthy'), observed('c', 'healthy')],
      pendingSince: new Map([[b, now - 120_000]]),
    },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'after the bounded wait what is gone goes',
  },
  {
    name: 'a replacement that is healthy',
    view: { wanted: [wanted('b')], observed: [observed('a', 'healthy'), observed('b', 'healthy')] },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'as many as before stay',
  },
  {
    name: 'a foreign target that is unhealthy',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'unhealthy'), observed('b', 'initial')],
    },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'unhealthy in AWS too: nothing is lost',
  },
  {
    name: 'a pod that is gone (404)',
    view: {
      wanted: [wanted('b'), wanted('c')],
      observed: [observed('a', 'healthy'), observed('b', 'healthy'), observed('c', 'initial')],
      gone: new Set([a]),
    },
    plan: ['deregister a:9999 (pod is gone)'],
    why: 'confirmed: no waiting for others',
  },
  {
    name: 'the last healthy target with its pod gone',
    view: { wanted: [], observed: [observed('a', 'healthy')], gone: new Set([a]) },
    plan: ['held a:9999 last-healthy'],
    why: 'AWS will find out by itself; if the API server is wrong, requests are still served',
  },
  {
    name: 'an empty list',
    view: { wanted: [], observed: [observed('a', 'healthy'), observed('b', 'healthy')] },
    plan: ['held a:9999 empty-list', 'held b:9999 empty-list'],
    why: 'a wrong selector gives an empty list too',
  },
  {
    name: 'an empty list while every target is unhealthy',
    view: { wanted: [], observed: [observed('a', 'unhealthy'), observed('b', 'unhealthy')] },
    plan: ['held a:9999 empty-list', 'held b:9999 empty-list'],
    why: 'AWS fails open and sends requests to all of them',
  },
  {
    name: 'pods that are all not ready',
    view: {
      wanted: [],
      observed: [observed('a', 'healthy')],
      departures: departing({ a: 'not-ready' }),
    },
    plan: ['held a:9999 empty-list'],
    why: 'fail static: the load balancer still finds it healthy',
  },
  {
    name: 'half of the list missing',
    view: {
      wanted: ['d', 'e', 'f'].map(wanted),
      observed: ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => observed(id, 'healthy')),
    },
    plan: [
      'deregister a:9999 (no proxy has this address)',
      'deregister b:9999 (no proxy has this address)',
      'held c:9999 max-removal',
    ],
    why: '34 % of six are two',
  },
  {
    name: 'a removal soon after others',
    view: {
      wanted: ['d', 'e', 'f'].map(wanted),
      observed: ['c', 'd', 'e', 'f'].map((id) => observed(id, 'healthy')),
      removals: [
        { key: a, atMs: now - 59_999 },
        { key: b, atMs: now - 30_000 },
      ],
    },
    plan: ['held c:9999 max-removal'],
    why: 'the window is 60 s wide and counts from what was there before',
  },
  {
    name: 'a removal a minute after others',
    view: {
      wanted: ['d', 'e', 'f'].map(wanted),
      observed: ['c', 'd', 'e', 'f'].map((id) => observed(id, 'healthy')),
      removals: [
        { key: a, atMs: now - 60_000 },
        { key: b, atMs: now - 60_000 },
      ],
    },
    plan: ['deregister c:9999 (no proxy has this address)'],
    why: 'the window has passed',
  },
  {
    name: 'one of two',
    view: { wanted: [wanted('b')], observed: [observed('a', 'healthy'), observed('b', 'healthy')] },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'small groups may always lose one per minute',
  },
  {
    name: '--max-removal 0',
    view: { wanted: [wanted('b')], observed: [observed('a', 'healthy'), observed('b', 'healthy')] },
    limits: { maxRemovalPercent: 0 },
    plan: ['held a:9999 max-removal'],
    why: 'nothing ever goes on the lists alone',
  },
  {
    name: '--min-targets 3',
    view: {
      wanted: ['b', 'c'].map(wanted),
      observed: ['a', 'b', 'c'].map((id) => observed(id, 'healthy')),
      departures: departing({ a: 'node-leaving' }),
    },
    limits: { minTargets: 3 },
    plan: ['held a:9999 min-targets'],
    why: 'a leaving node waits for its replacement',
  },
  {
    name: 'a leaving node',
    view: {
      wanted: ['b', 'c'].map(wanted),
      observed: ['a', 'b', 'c'].map((id) => observed(id, 'healthy')),
      departures: departing({ a: 'node-leaving' }),
    },
    plan: ['deregister a:9999 (node is leaving)'],
    why: 'drained before the node goes',
  },
  {
    name: 'health checks switched off',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'unavailable'), observed('b', 'unavailable')],
    },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'unavailable targets get requests: they count as healthy',
  },
  {
    name: 'tracked: a foreign target',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'healthy')],
      owned: new Set([b]),
    },
    plan: [],
    why: 'another cluster’s target is not ours to remove',
  },
  {
    name: 'tracked: a new proxy',
    view: { wanted: [wanted('b')], observed: [observed('a', 'healthy')], owned: new Set() },
    plan: ['claim b:9999', 'register b:9999'],
    why: 'the record is written before the target is registered',
  },
  {
    name: 'tracked: our target is gone from the group',
    view: {
      wanted: [wanted('b')],
      observed: [observed('b', 'healthy')],
      owned: new Set([a, b]),
    },
    plan: ['release a:9999'],
    why: 'the address may belong to somebody else from now on',
  },
  {
    name: 'tracked: our old target',
    view: {
      wanted: [wanted('b')],
      observed: [observed('a', 'healthy'), observed('b', 'healthy')],
      owned: new Set([a, b]),
    },
    plan: ['deregister a:9999 (no proxy has this address)'],
    why: 'we registered it',
  },
  {
    name: 'AWS down',
    view: { wanted: [wanted('a')], observed: undefined },
    plan: [],
    why: 'nothing is known, nothing is done',
  },
]

for (const row of cases) {
  t.test(`${row.name}: ${row.why}`, async (t) => {
    const plan = planTargets(groupView(row.view), { ...limits, ...row.limits }, now)
    t.strictSame(summary(plan), row.plan)
  })
}

t.test('every refusal says how to override it', async (t) => {
  for (const row of cases) {
    const { held } = planTargets(groupView(row.view), { ...limits, ...row.limits }, now)
    for (const one of held) {
      t.ok(one.message.length > 0)
      t.equal(one.override === '', one.code === 'awaiting-healthy')
    }
  }
})
