// Plans against a small world that changes at random: pods come, fail, leave; AWS flips health; lists lie.
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { groupView, limits, podRef } from '../test/fixtures.ts'
import type { Departure, GroupView, ObservedTarget, Plan, Removal, TargetState } from '../world.ts'
import { isServing, removalWindowMs } from './guard.ts'
import { planTargets } from './plan-targets.ts'

type PodState = 'absent' | 'starting' | 'ready' | 'terminating' | 'node-leaving'

/** A pod slot per address, the group's targets, and what the controller remembers. */
class SmallWorld {
  nowMs = 0
  readonly pods = new Map<string, PodState>()
  readonly targets = new Map<string, TargetState>()
  readonly pending = new Map<string, number>()
  removals: Removal[] = []
  /** Addresses that the next list leaves out though their pods are there. */
  hidden = new Set<string>()

  view(): GroupView {
    const wanted = [...this.pods]
      .filter(([id, state]) => state === 'ready' && !this.hidden.has(id))
      .map(([id]) => ({ key: `${id}:9999`, id, port: 9999, pod: podRef(id) }))
    const departures = new Map<string, Departure>()
    const gone = new Set<string>()
    for (const [id, state] of this.pods) {
      const why = state === 'starting' ? 'not-ready' : state
      if (why === 'absent') gone.add(`${id}:9999`)
      else if (why !== 'ready' && !this.hidden.has(id)) {
        departures.set(`${id}:9999`, { why, pod: podRef(id) })
      }
    }
    const observed = [...this.targets].map(
      ([id, state]): ObservedTarget => ({ key: `${id}:9999`, id, port: 9999, state, reason: '' }),
    )
    return groupView({
      observed,
      wanted,
      departures,
      gone,
      pendingSince: this.pending,
      removals: this.removals,
    })
  }

  apply(plan: Plan): void {
    for (const action of plan.actions) {
      if (action.kind === 'register') {
        for (const { target } of action.targets) {
          this.targets.set(target.id, 'initial')
          this.pending.set(target.key, this.nowMs)
        }
      }
      if (action.kind === 'deregister') {
        for (const { target, isCounted } of action.targets) {
          this.targets.set(target.id, 'draining')
          if (isCounted) this.removals.push({ key: target.key, atMs: this.nowMs })
        }
      }
    }
  }

  healthy(): number {
    return [...(this.view().observed ?? [])].filter(isServing).length
  }
}

const ids = ['a', 'b', 'c', 'd', 'e']
const id = fc.constantFrom(...ids)
const event = fc.oneof(
  fc.record({
    kind: fc.constant('pod' as const),
    id,
    state: fc.constantFrom<PodState>(
      'absent',
      'starting',
      'ready',
      'ready',
      'terminating',
      'node-leaving',
    ),
  }),
  fc.record({
    kind: fc.constant('health' as const),
    id,
    state: fc.constantFrom<TargetState>(
      'healthy',
      'healthy',
      'unhealthy',
      'initial',
      'unavailable',
    ),
  }),
  fc.record({ kind: fc.constant('drained' as const), id }),
  fc.record({ kind: fc.constant('foreign' as const), id: fc.constantFrom('x', 'y') }),
  fc.record({ kind: fc.constant('hide' as const), ids: fc.subarray(ids) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 150_000 }) }),
)

function happen(
  world: SmallWorld,
  change: typeof event extends fc.Arbitrary<infer E> ? E : never,
): void {
  switch (change.kind) {
    case 'pod':
      world.pods.set(change.id, change.state)
      return
    case 'health': {
      const state = world.targets.get(change.id)
      if (state !== undefined && state !== 'draining') world.targets.set(change.id, change.state)
      return
    }
    case 'drained':
      if (world.targets.get(change.id) === 'draining') world.targets.delete(change.id)
      return
    case 'foreign':
      world.targets.set(change.id, 'healthy')
      return
    case 'hide':
      world.hidden = new Set(change.ids)
      return
    case 'wait':
      world.nowMs += change.ms
  }
}

t.test('no sequence of plans removes the last healthy target', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const world = new SmallWorld()
      for (const change of events) {
        happen(world, change)
        const before = world.healthy()
        world.apply(planTargets(world.view(), limits, world.nowMs))
        if (before > 0 && world.healthy() === 0) return false
      }
      return true
    }),
    { numRuns: 3000 },
  )
  t.pass()
})

t.test('a plan that was applied leaves nothing to do', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const world = new SmallWorld()
      for (const change of events) happen(world, change)
      world.apply(planTargets(world.view(), limits, world.nowMs))
      return planTargets(world.view(), limits, world.nowMs).actions.length === 0
    }),
    { numRuns: 3000 },
  )
  t.pass()
})

t.test('removals on the lists alone stay within --max-removal per window', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const world = new SmallWorld()
      let most = 0
      for (const change of events) {
        happen(world, change)
        most = Math.max(most, world.healthy())
        world.apply(planTargets(world.view(), limits, world.nowMs))
        const recent = world.removals.filter((one) => world.nowMs - one.atMs < removalWindowMs)
        // Seven targets at most: 34 % of them are two.
        if (recent.length > Math.max(1, Math.floor(((most + recent.length) * 34) / 100)))
          return false
      }
      return true
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('a quiet world converges: in the end exactly the wanted targets are there', async (t) => {
  assertProperty(
    t,
    fc.property(fc.array(event, { maxLength: 40 }), fc.constantFrom(...ids), (events, keeper) => {
      const world = new SmallWorld()
      for (const change of events) happen(world, change)
      world.hidden.clear()
      world.pods.set(keeper, 'ready')
      for (const [key, state] of world.pods)
        if (state === 'terminating') world.pods.set(key, 'absent')
      for (let pass = 0; pass < 20; pass++) {
        world.apply(planTargets(world.view(), limits, world.nowMs))
        for (const [key, state] of world.targets) {
          if (state === 'draining') world.targets.delete(key)
          else if (world.pods.get(key) === 'ready') world.targets.set(key, 'healthy')
        }
        world.nowMs += 61_000
      }
      const ready = ids.filter((key) => world.pods.get(key) === 'ready').sort()
      return JSON.stringify([...world.targets.keys()].sort()) === JSON.stringify(ready)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})
