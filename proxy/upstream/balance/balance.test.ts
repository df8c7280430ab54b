// One suite for all policies, then what each of them is for.
import fc from 'fast-check'
import t from 'tap'
import type { Balance } from '../../../shared/routing/backend.ts'
import type { RequestView } from '../../../shared/routing/filters/kind.ts'
import { requestView } from '../../../shared/routing/testing/filter-stage.ts'
import { assertProperty } from '../../../shared/testing/assert-property.ts'
import { freshSeed, seededRandom } from '../../../test/support/random-bytes.ts'
import type { EndpointPool } from '../endpoint-pool.ts'
import { testPools } from '../testing/pools.ts'
import { createPolicy } from './create-policy.ts'
import type { EndpointList, PickEndpoint } from './policy.ts'

const byAddress = { kind: 'hash', key: { from: 'address' } } as const

const policies: readonly { name: string; balance?: Balance; windowMs?: number }[] = [
  { name: 'no balance' },
  { name: 'round robin', balance: { kind: 'round-robin' } },
  { name: 'least requests', balance: { kind: 'least-requests' } },
  { name: 'peak EWMA', balance: { kind: 'peak-ewma' } },
  { name: 'hash', balance: byAddress },
  { name: 'hash with bounded load', balance: { ...byAddress, loadFactor: 1.25 } },
  { name: 'hash to a subset', balance: { ...byAddress, subset: 2 } },
  { name: 'round robin with slow start', windowMs: 30_000 },
  {
    name: 'least requests with slow start',
    balance: { kind: 'least-requests' },
    windowMs: 30_000,
  },
  { name: 'hash with slow start', balance: { ...byAddress, loadFactor: 2 }, windowMs: 30_000 },
]

/** `count` endpoints, first seen now. */
function stage(count: number, seed = 1) {
  const { pools: all, time } = testPools()
  const pools: EndpointPool[] = []
  const add = () => {
    const pool = all.reference({ address: `10.0.0.${pools.length + 1}`, port: 80 })
    pools.push(pool)
    return pool
  }
  for (let index = 0; index < count; index += 1) add()
  const list: EndpointList = { pools, turn: 0 }
  return { list, pools, time, random: seededRandom(seed), add }
}

function policyOf(
  { balance, windowMs }: { balance?: Balance; windowMs?: number },
  context: { random: () => number; time: { now: number } },
): PickEndpoint {
  return createPolicy(balance, windowMs === undefined ? undefined : { windowMs }, context)
}

const client = (number: number): RequestView => requestView({ clientAddress: `192.0.2.${number}` })

for (const policy of policies) {
  t.test(`${policy.name} keeps the rules of every balance`, async () => {
    const endpoint = fc.record({
      isTried: fc.boolean(),
      isOut: fc.boolean(),
      active: fc.nat(5),
      ageMs: fc.nat(60_000),
      latencyMs: fc.option(fc.nat(1000)),
    })
    assertProperty(
      t,
      fc.property(
        fc.array(endpoint, { maxLength: 7 }),
        fc.integer(),
        fc.array(fc.nat(255), { minLength: 1, maxLength: 9 }),
        (sketches, seed, clients) => {
          const { list, pools, time, random, add } = stage(0, seed)
          const tried: EndpointPool[] = []
          for (const { isTried, isOut, active, ageMs } of sketches.toSorted(
            (a, b) => b.ageMs - a.ageMs,
          )) {
            time.now = 100_000 - ageMs
            const pool = add()
            pool.active = active
            if (isOut) pool.health.noteUnhealthy()
            if (isTried) tried.push(pool)
          }
          time.now = 100_000
          const pick = policyOf(policy, { random, time })
          const left = pools.filter((pool) => !tried.includes(pool))
          const mayServe = left.filter((pool) => !pool.health.isOut)
          for (const number of clients) {
            const picked = pick(list, tried, client(number))
            const allowed = mayServe.length > 0 ? mayServe : left
            if (picked === undefined ? allowed.length > 0 : !allowed.includes(picked)) {
              throw new Error(`picked ${picked?.name} of ${allowed.map(({ name }) => name)}`)
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
}

/** How many of `count` picks each endpoint gets. */
function shares(pick: PickEndpoint, list: EndpointList, requests: Iterable<RequestView>): number[] {
  const counts = list.pools.map(() => 0)
  for (const request of requests) {
    const pool = pick(list, [], request)
    const at = pool === undefined ? -1 : list.pools.indexOf(pool)
    counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

function* clients(count: number): Generator<RequestView> {
  for (let number = 0; number < count; number += 1)
    yield requestView({ clientAddress: `c${number}` })
}

for (const policy of policies.filter(({ windowMs }) => windowMs === undefined)) {
  t.test(`${policy.name} spreads many clients evenly`, async (t) => {
    const { list, time, random } = stage(
      5,
      freshSeed((text) => t.comment(text)),
    )
    const counts = shares(policyOf(policy, { random, time }), list, clients(10_000))
    // Four standard deviations of a fair draw (40) and some: a fair policy fails once in a million runs.
    for (const count of counts) t.ok(Math.abs(count - 2000) < 200, `${counts}`)
  })
}

t.test('round robin takes all in turn', async (t) => {
  const { list, pools, time, random } = stage(3)
  const pick = policyOf({}, { random, time })
  const names = Array.from({ length: 6 }, () => pick(list, [], client(1))?.name.slice(7, -3))
  t.same(names, ['2', '3', '1', '2', '3', '1'])
  pools[1]?.health.noteUnhealthy()
  const without = Array.from({ length: 4 }, () => pick(list, [], client(1))?.name.slice(7, -3))
  t.same(without, ['3', '1', '3', '1'])
})

t.test('least requests takes the less busy of two, whatever is drawn', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const { list, pools, time, random } = stage(2, seed)
    const [busy, idle] = pools
    if (busy !== undefined) busy.active = 3
    const pick = policyOf({ balance: { kind: 'least-requests' } }, { random, time })
    t.equal(pick(list, [], client(1)), idle)
  }
})

t.test('peak EWMA sends less to a slow endpoint, and forgives it with time', async (t) => {
  const { list, pools, time, random } = stage(2)
  const pick = policyOf({ balance: { kind: 'peak-ewma' } }, { random, time })
  const [slow, fast] = pools
  const first = pick(list, [], client(1))
  if (first !== undefined) first.active = 1
  t.not(pick(list, [], client(2)), first, 'one request finds out how an unknown endpoint does')
  if (first !== undefined) first.active = 0
  slow?.latency?.observe(100, time.now)
  fast?.latency?.observe(10, time.now)
  t.same(shares(pick, list, clients(100)), [0, 100])
  if (fast !== undefined) fast.active = 11
  t.same(shares(pick, list, clients(100)), [100, 0], '12 × 10 ms is more than 100 ms')
  if (fast !== undefined) fast.active = 0
  time.now += 60_000
  fast?.latency?.observe(10, time.now)
  t.same(shares(pick, list, clients(100)), [100, 0], 'after a minute the slow one is tried again')
  slow?.latency?.observeFailure(1, time.now)
  t.same(shares(pick, list, clients(100)), [0, 100], 'an endpoint that refuses at once is not fast')
})

t.test('a key keeps its endpoint, whatever its turn and whichever worker asks', async (t) => {
  assertProperty(
    t,
    fc.property(fc.string({ minLength: 1 }), fc.integer(), fc.integer(), (key, one, two) => {
      const [a, b] = [one, two].map((seed) => {
        const { list, time, random } = stage(6, seed)
        list.turn = Math.floor(random() * 6)
        const pick = policyOf({ balance: byAddress }, { random, time })
        return pick(list, [], requestView({ clientAddress: key }))?.name
      })
      return a === b
    }),
  )
})

t.test('only the keys of an endpoint that goes move, and each to the same other one', async (t) => {
  assertProperty(
    t,
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(), (count, index) => {
      const { list, pools, time, random } = stage(count)
      const pick = policyOf({ balance: byAddress }, { random, time })
      const gone = pools[index % count]
      const rest: EndpointList = { pools: pools.filter((pool) => pool !== gone), turn: 0 }
      for (const request of clients(200)) {
        const before = pick(list, [], request)
        const after = pick(rest, [], request)
        if (before !== gone && after !== before) throw new Error('a key moved without need')
        if (before === gone && after !== pick(list, gone === undefined ? [] : [gone], request)) {
          throw new Error('a retry goes elsewhere than the key will')
        }
      }
    }),
    { numRuns: 50 },
  )
})

t.test('an endpoint that comes takes its fair share of keys, from all others', async (t) => {
  const { list, time, random, add } = stage(9)
  const pick = policyOf({ balance: byAddress }, { random, time })
  const requests = [...clients(10_000)]
  const before = requests.map((request) => pick(list, [], request))
  const fresh = add()
  const moved = requests.flatMap((request, at) => {
    const now = pick(list, [], request)
    return now === before[at] ? [] : [{ from: before[at], to: now }]
  })
  t.ok(moved.every(({ to }) => to === fresh))
  t.ok(Math.abs(moved.length - 1000) < 150, `${moved.length} of 10000 keys moved`)
  t.equal(new Set(moved.map(({ from }) => from)).size, 9)
})

t.test('with bounded load nobody gets more than its bound, and a quiet key stays', async (t) => {
  assertProperty(
    t,
    fc.property(
      fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }),
      fc.double({ min: 1.01, max: 3, noNaN: true }),
      fc.nat(),
      (loads, loadFactor, number) => {
        const { list, pools, time, random } = stage(loads.length)
        for (const [at, pool] of pools.entries()) pool.active = loads[at] ?? 0
        const context = { random, time }
        const pick = policyOf({ balance: { ...byAddress, loadFactor } }, context)
        const picked = pick(list, [], client(number))
        const owner = policyOf({ balance: byAddress }, context)(list, [], client(number))
        const total = loads.reduce((sum, load) => sum + load, 1)
        const bound = Math.ceil((total * loadFactor) / loads.length)
        if (picked === undefined || owner === undefined) throw new Error('there are endpoints')
        if (picked.active + 1 > bound) throw new Error(`${picked.active + 1} is above ${bound}`)
        return picked === owner || owner.active + 1 > bound
      },
    ),
  )
})

t.test('requests without the key go in turn', async (t) => {
  const { list, time, random } = stage(4)
  const key = { from: 'header', name: 'x-user' } as const
  const pick = policyOf({ balance: { kind: 'hash', key } }, { random, time })
  t.same(shares(pick, list, clients(8)), [2, 2, 2, 2])
  const keyed = Array.from({ length: 8 }, () => requestView({ fields: { 'X-User': 'ann' } }))
  t.same(shares(pick, list, keyed).toSorted(), [0, 0, 0, 8])
})

t.test('a new endpoint gets a share that grows with its age', async (t) => {
  const seed = freshSeed((text) => t.comment(text))
  for (const { name, balance } of policies.filter(({ windowMs }) => windowMs === undefined)) {
    const { list, time, random, add } = stage(3, seed)
    time.now += 60_000
    add()
    const pick = policyOf({ ...(balance && { balance }), windowMs: 60_000 }, { random, time })
    const seen: number[] = []
    for (const ageMs of [0, 20_000, 40_000, 60_000]) {
      time.now = 61_000 + ageMs
      seen.push(shares(pick, list, clients(8000))[3] ?? 0)
    }
    // At a share of w, the new one of four gets w / (3 + w).
    const wanted = [0.1, 0.4, 0.7, 1].map((share) => (8000 * share) / (3 + share))
    for (const [at, want] of wanted.entries()) {
      const isNear = Math.abs((seen[at] ?? 0) - want) < 60 + want * 0.15
      t.ok(isNear, `${name}: ${seen[at]} where ${want.toFixed(0)} are due`)
    }
  }
})

t.test('endpoints that are all new are all equal', async (t) => {
  const { list, time, random } = stage(
    4,
    freshSeed((text) => t.comment(text)),
  )
  const pick = policyOf({ windowMs: 60_000 }, { random, time })
  t.same(shares(pick, list, clients(400)), [100, 100, 100, 100])
})

t.test('while an endpoint warms up, a key moves to it once and stays', async (t) => {
  const { list, time, random, add } = stage(3)
  time.now += 60_000
  const fresh = add()
  const pick = policyOf({ balance: byAddress, windowMs: 60_000 }, { random, time })
  let moves = 0
  for (const request of clients(500)) {
    const seen: (EndpointPool | undefined)[] = []
    for (let ageMs = 0; ageMs <= 60_000; ageMs += 5000) {
      time.now = 61_000 + ageMs
      seen.push(pick(list, [], request))
    }
    const changes = seen.filter((pool, at) => at > 0 && pool !== seen[at - 1]).length
    t.ok(changes <= 1, 'never back and forth')
    if (changes === 1 && seen.at(-1) === fresh) moves += 1
  }
  t.ok(moves > 50, `${moves} keys moved`)
})

t.test('a key has its subset, whatever comes or goes beside it', async (t) => {
  const { list, pools, time, random, add } = stage(8)
  const pick = policyOf({ balance: { ...byAddress, subset: 3 } }, { random, time })
  const subsetOf = (number: number) => {
    const names = Array.from({ length: 60 }, () => pick(list, [], client(number))?.name)
    return [...new Set(names)].sort()
  }
  const subsets = Array.from({ length: 30 }, (_, number) => subsetOf(number))
  t.ok(subsets.every((subset) => subset.length === 3))
  t.ok(new Set(subsets.map((subset) => subset.join())).size > 10, 'keys have different ones')
  const added = add()
  for (const [number, before] of subsets.entries()) {
    const strangers = subsetOf(number).filter((name) => !before.includes(name))
    t.ok(
      strangers.every((name) => name === added.name),
      'only the new endpoint may join',
    )
  }
  const tried = pools.filter(({ name }) => subsetOf(0).includes(name))
  const spare = pick(list, tried, client(0))
  t.ok(spare !== undefined && !tried.includes(spare), 'the next one of the key takes over')
})
