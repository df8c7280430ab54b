import fc from 'fast-check'
import t from 'tap'
import type { Endpoint, Places } from '../../shared/routing/table.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { nearEndpoints } from './near-endpoints.ts'

// One letter per endpoint: the zone it is meant for (`ab`: for two of them, `-`: nothing is said).
const zonesOf = (sketch: string): Endpoint[] =>
  sketch.split(' ').map((zones, index) => {
    const endpoint = { address: `10.0.0.${index + 1}`, port: 80 }
    return zones === '-' ? endpoint : { ...endpoint, places: { zones: zones.split('') } }
  })

const cases: { endpoints: string; zone?: string; near?: string; why: string }[] = [
  { endpoints: 'a b c', zone: 'a', near: '1', why: 'one of three: a fair share' },
  { endpoints: 'a b b c', zone: 'b', near: '23', why: 'in the order of the table' },
  { endpoints: 'a b c', why: 'the proxy does not know its zone' },
  { endpoints: 'a b c', zone: 'd', why: 'nothing is meant for our zone' },
  { endpoints: 'a a', zone: 'a', why: 'all are near' },
  { endpoints: 'a b -', zone: 'a', why: 'not all have places: a roll-out is going on' },
  { endpoints: '- -', zone: 'a', why: 'no places at all' },
  { endpoints: 'a b b b', zone: 'a', near: '1', why: 'twice the average is allowed' },
  { endpoints: 'a b b b b', zone: 'a', why: 'more than twice the average is not' },
  { endpoints: 'a b b b b', zone: 'b', near: '2345', why: 'the large zone keeps to itself' },
  { endpoints: 'a b b b c c', zone: 'a', near: '1', why: '1 × 3 zones × 2 = 6 endpoints' },
  { endpoints: 'a b b b c c c', zone: 'a', why: '1 × 3 × 2 < 7' },
  { endpoints: 'ab b ab', zone: 'a', near: '13', why: 'an endpoint may be meant for two zones' },
]

for (const { endpoints, zone, near, why } of cases) {
  t.test(`${endpoints} in ${zone}: ${why}`, async (t) => {
    const found = nearEndpoints(zonesOf(endpoints), { zone, node: 'n1' })
    t.equal(found && [...found].map(({ address }) => address.slice(7)).join(''), near)
  })
}

t.test('its own node comes before its zone', async (t) => {
  const at = (number: number, places: Places) => ({ address: `10.0.0.${number}`, port: 80, places })
  const endpoints = [
    at(1, { zones: ['a'], nodes: ['n1'] }),
    at(2, { zones: ['a'], nodes: ['n2'] }),
    at(3, { zones: ['b'], nodes: ['n3'] }),
  ]
  const near = (zone: string | undefined, node: string | undefined) => [
    ...(nearEndpoints(endpoints, { zone, node }) ?? []),
  ]
  t.same(near('a', 'n1'), [endpoints[0]])
  t.same(near('a', 'n4'), [endpoints[0], endpoints[1]], 'none on the node: the zone')
  t.same(near('a', undefined), [endpoints[0], endpoints[1]])
  t.same(near('c', 'n4'), [], 'neither: all alike')
  t.same(near(undefined, 'n3'), [endpoints[2]])
})

t.test(
  'near ones are of the zone, some but not all, and never loaded more than twice',
  async () => {
    const zone = fc.constantFrom('a', 'b', 'c', '-')
    assertProperty(
      t,
      fc.property(fc.array(zone, { minLength: 1, maxLength: 12 }), (zones) => {
        const endpoints = zonesOf(zones.join(' '))
        const near = nearEndpoints(endpoints, { zone: 'a', node: undefined })
        const ours = zones.filter((name) => name === 'a').length
        const isAsked = ours > 0 && !zones.includes('-') && ours < zones.length
        // The load of one of ours when each zone gets 1, against that of each when all are used alike.
        const load = 1 / ours
        const average = new Set(zones).size / zones.length
        const isWanted = isAsked && load <= 2 * average + 1e-9
        if (near === undefined) return !isWanted
        return isWanted && near.size === ours
      }),
    )
  },
)
