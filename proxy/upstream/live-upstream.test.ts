import fc from 'fast-check'
import t from 'tap'
import type { Endpoint } from '../../shared/routing/table.ts'
import { EndpointPools } from './endpoint-pools.ts'
import { LiveUpstream } from './live-upstream.ts'
import { testPools } from './testing/pools.ts'

const endpoint = (number: number): Endpoint => ({ address: `10.0.0.${number}`, port: 80 })
const endpoints = (...numbers: number[]) => ({ key: 'd/s:80', endpoints: numbers.map(endpoint) })

/** An upstream with these endpoints; `random` decides where it starts. */
function upstreamWith(numbers: number[], random: () => number = () => 0) {
  const { pools, time } = testPools()
  const upstream = new LiveUpstream('d/s:80', random)
  upstream.update(endpoints(...numbers), pools)
  return { upstream, pools, time }
}

const names = (upstream: LiveUpstream, count: number) =>
  Array.from({ length: count }, () => upstream.roundRobin([])?.name.slice(7, -3))

t.test('round robin takes all in turn', async (t) => {
  const { upstream } = upstreamWith([1, 2, 3])
  t.same(names(upstream, 6), ['2', '3', '1', '2', '3', '1'])
})

t.test('it starts at random, so that proxies that start together do not crowd one', async (t) => {
  const first = [0, 0.34, 0.67].map((start) =>
    names(upstreamWith([1, 2, 3], () => start).upstream, 1),
  )
  t.same(first.flat().toSorted(), ['1', '2', '3'])
})

t.test('no endpoints, no choice', async (t) => {
  const { upstream } = upstreamWith([])
  t.equal(upstream.roundRobin([]), undefined)
  t.equal(upstream.leastRequests([]), undefined)
})

t.test('an upstream is known as long as the table has it', async (t) => {
  const { upstream, pools } = upstreamWith([])
  t.equal(upstream.isKnown, true, 'without endpoints, too')
  upstream.update(undefined, pools)
  t.equal(upstream.isKnown, false)
})

t.test('endpoints that were tried are passed over until none is left', async (t) => {
  const { upstream } = upstreamWith([1, 2, 3])
  const tried = [...upstream.pools.slice(0, 2)]
  t.equal(upstream.roundRobin(tried)?.name, '10.0.0.3:80')
  t.equal(upstream.roundRobin(tried)?.name, '10.0.0.3:80')
  t.equal(upstream.roundRobin(upstream.pools), undefined)
  t.equal(upstream.leastRequests(upstream.pools), undefined)
})

/** Five failures in a row eject an endpoint. */
function eject(upstream: LiveUpstream, at: number): void {
  for (let count = 0; count < 5; count += 1) {
    upstream.pools[at]?.noteFailure(upstream.pools.length - 1)
  }
}

t.test('ejected endpoints are passed over for 10 s, longer each time', async (t) => {
  const { upstream, time } = upstreamWith([1, 2])
  eject(upstream, 0)
  t.same(names(upstream, 3), ['2', '2', '2'])
  time.now += 9999
  t.same(names(upstream, 2), ['2', '2'])
  time.now += 1
  t.same(names(upstream, 2).toSorted(), ['1', '2'])
  eject(upstream, 0)
  time.now += 19_999
  t.same(names(upstream, 2), ['2', '2'], 'twice as long the second time')
  time.now += 1
  t.same(names(upstream, 2).toSorted(), ['1', '2'])
})

t.test('failures that a success interrupts eject nobody', async (t) => {
  const { upstream } = upstreamWith([1, 2])
  const pool = upstream.pools[0]
  for (let count = 0; count < 20; count += 1) {
    if (count % 4 === 0) pool?.noteSuccess()
    pool?.noteFailure(1)
  }
  t.equal(pool?.isEjected, false)
})

t.test('it fails open: when all are ejected they are taken in turn again', async (t) => {
  const { upstream } = upstreamWith([1, 2])
  eject(upstream, 0)
  eject(upstream, 1)
  t.same(names(upstream, 4).toSorted(), ['1', '1', '2', '2'])
  const one = upstream.pools[0]
  t.equal(upstream.roundRobin(one === undefined ? [] : [one])?.name, '10.0.0.2:80')
})

t.test('the only endpoint is never ejected', async (t) => {
  const { upstream } = upstreamWith([1])
  eject(upstream, 0)
  t.equal(upstream.pools[0]?.isEjected, false)
})

t.test('least requests takes the less busy of two', async (t) => {
  const randoms = [0, 0.5, 0.9]
  for (const one of randoms) {
    for (const two of randoms) {
      const rolls = [0, one, two]
      const { upstream } = upstreamWith([1, 2], () => rolls.shift() ?? 0)
      const [busy, idle] = upstream.pools
      if (busy === undefined || idle === undefined) throw new Error('there are two')
      busy.active = 3
      t.equal(upstream.leastRequests([])?.name, idle.name, `${one} ${two}`)
    }
  }
})

t.test('least requests passes over the tried and the ejected', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true })), (rolls) => {
      const left = [0, ...rolls]
      const { upstream } = upstreamWith([1, 2, 3], () => left.shift() ?? 0)
      eject(upstream, 1)
      const tried = upstream.pools.slice(0, 1)
      return upstream.leastRequests(tried)?.name === '10.0.0.3:80'
    }),
  )
})

t.test('least requests reaches every endpoint', async (t) => {
  let roll = 0
  const { upstream } = upstreamWith([1, 2, 3, 4], () => {
    roll = (roll + 0.618) % 1
    return roll
  })
  const seen = new Set(Array.from({ length: 100 }, () => upstream.leastRequests([])?.name))
  t.equal(seen.size, 4)
  t.equal(upstreamWith([1]).upstream.leastRequests([])?.name, '10.0.0.1:80')
})

t.test(
  'an update replaces the list as a whole; who stays keeps its connections and health',
  async (t) => {
    const { upstream, pools } = upstreamWith([1, 2])
    const [, two] = upstream.pools
    eject(upstream, 1)
    const before = upstream.endpoints
    upstream.update(endpoints(2, 3), pools)
    t.same(
      upstream.pools.map((pool) => pool.name),
      ['10.0.0.2:80', '10.0.0.3:80'],
    )
    t.equal(upstream.pools[0], two)
    t.equal(two?.isEjected, true)
    t.not(upstream.endpoints, before, 'what was looked up for the old list is looked up anew')
    t.same(upstream.endpoints, [endpoint(2), endpoint(3)])
    t.same(new Set(names(upstream, 4)), new Set(['3']))
  },
)

t.test('an endpoint is found again by its object', async (t) => {
  const { upstream } = upstreamWith([1, 2])
  for (const [at, each] of upstream.endpoints.entries()) {
    t.equal(upstream.poolOf(each), upstream.pools[at])
  }
  t.equal(upstream.poolOf(endpoint(9)), undefined)
})

t.test('pools are shared by upstreams and counted', async (t) => {
  const { pools } = testPools()
  t.type(pools, EndpointPools)
  const one = new LiveUpstream('d/one:80', () => 0)
  const two = new LiveUpstream('d/two:80', () => 0)
  one.update(endpoints(1, 2), pools)
  two.update(endpoints(2, 3), pools)
  const shared = one.pools[1]
  t.equal(two.pools[0], shared)
  t.equal(shared?.references, 2)
  one.update(undefined, pools)
  t.equal(shared?.references, 1)
  two.update(endpoints(3), pools)
  t.equal(shared?.references, 0)
  one.update(endpoints(2), pools)
  t.not(one.pools[0], shared, 'a pool that nobody named is forgotten')
})

t.test('however upstreams change, each pool counts those that name it', async () => {
  const lists = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 4 })), { maxLength: 12 })
  fc.assert(
    fc.property(lists, (lists) => {
      const { pools } = testPools()
      const upstreams = ['a', 'b', 'c'].map((key) => new LiveUpstream(key, () => 0))
      for (const [step, list] of lists.entries()) {
        upstreams[step % 3]?.update(endpoints(...list), pools)
        const named = upstreams.flatMap((upstream) => upstream.pools)
        for (const pool of named) {
          const count = named.filter((each) => each === pool).length
          if (pool.references !== count) throw new Error(`${pool.references} for ${count}`)
        }
        if (new Set(named).size !== new Set(named.map((pool) => pool.name)).size) return false
      }
      return true
    }),
  )
})
