import fc from 'fast-check'
import t from 'tap'
import type { Endpoint } from '../../shared/routing/table.ts'
import { requestView } from '../../shared/routing/testing/filter-stage.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { pickInTurn } from './balance/round-robin.ts'
import { chooseEndpoint } from './choose.ts'
import type { EndpointPool } from './endpoint-pool.ts'
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
  Array.from({ length: count }, () => pickInTurn(upstream.list, [])?.name.slice(7, -3))

t.test('it starts at random, so that proxies that start together do not crowd one', async (t) => {
  const first = [0, 0.34, 0.67].map((start) =>
    names(upstreamWith([1, 2, 3], () => start).upstream, 1),
  )
  t.same(first.flat().toSorted(), ['1', '2', '3'])
})

t.test('an upstream is known as long as the table has it', async (t) => {
  const { upstream, pools } = upstreamWith([])
  t.equal(upstream.isKnown, true, 'without endpoints, too')
  upstream.update(undefined, pools)
  t.equal(upstream.isKnown, false)
})

/** Five failures in a row eject an endpoint. */
function eject(upstream: LiveUpstream, at: number): void {
  for (let count = 0; count < 5; count += 1) {
    upstream.pools[at]?.health.noteFailure(1)
  }
}

t.test(
  'an update replaces the list as a whole; who stays keeps its connections and health',
  async (t) => {
    const { upstream, pools } = upstreamWith([1, 2])
    const [, two] = upstream.pools
    eject(upstream, 1)
    const before = upstream.pools
    upstream.update(endpoints(2, 3), pools)
    t.same(
      upstream.pools.map((pool) => pool.name),
      ['10.0.0.2:80', '10.0.0.3:80'],
    )
    t.equal(upstream.pools[0], two)
    t.equal(two?.health.isEjected, true)
    t.not(upstream.pools, before, 'what was looked up for the old list is looked up anew')
    t.same(new Set(names(upstream, 4)), new Set(['3']))
  },
)

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

t.test('however upstreams change, each pool counts those that name it', async (t) => {
  const lists = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 4 })), { maxLength: 12 })
  assertProperty(
    t,
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

t.test('near endpoints come first, far ones while none of the near serves', async (t) => {
  const { pools } = testPools({ zone: 'a' })
  const upstream = new LiveUpstream('d/s:80', () => 0)
  const at = (number: number, zone: string) => ({ ...endpoint(number), places: { zones: [zone] } })
  upstream.update({ key: 'd/s:80', endpoints: [at(1, 'b'), at(2, 'a'), at(3, 'b')] }, pools)
  const [one, two, three] = upstream.pools
  const chosen = (tried: readonly (EndpointPool | undefined)[]) => {
    const pools = tried.filter((pool) => pool !== undefined)
    return chooseEndpoint(upstream, pickInTurn, pools, requestView())
  }
  t.same([chosen([]), chosen([])], [two, two])
  t.same(new Set([chosen([two]), chosen([two])]), new Set([one, three]), 'a retry leaves the zone')
  eject(upstream, 1)
  t.same(new Set([chosen([]), chosen([])]), new Set([one, three]))
  eject(upstream, 0)
  eject(upstream, 2)
  t.equal(chosen([]), two, 'all are out: near again')
  t.equal(chosen([two])?.health.isOut, true, 'and then a far one')
  t.equal(chosen([one, two, three]), undefined)
  upstream.update({ key: 'd/s:80', endpoints: [endpoint(1), endpoint(2)] }, pools)
  t.equal(upstream.far, undefined)
  t.equal(upstream.list.pools.length, 2, 'without places all are alike')
})
