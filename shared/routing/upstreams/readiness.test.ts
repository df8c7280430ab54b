import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { decideEndpoints, type Sighting } from './readiness.ts'

const cases: { conditions: unknown[]; is: 'used' | 'last resort' | 'out'; why: string }[] = [
  { conditions: [undefined], is: 'used', why: 'no conditions: ready' },
  { conditions: [{}], is: 'used', why: 'nil is ready' },
  { conditions: [{ ready: null }], is: 'used', why: 'null is nil' },
  { conditions: [{ ready: true, terminating: false }], is: 'used', why: 'ready' },
  {
    conditions: [{ ready: true, serving: false }],
    is: 'used',
    why: 'ready decides (publishNotReadyAddresses)',
  },
  { conditions: [{ ready: false }], is: 'out', why: 'not ready' },
  {
    conditions: [{ ready: false, serving: true }],
    is: 'out',
    why: 'serving counts only while terminating',
  },
  {
    conditions: [{ ready: true, terminating: true }],
    is: 'last resort',
    why: 'terminating beats ready',
  },
  {
    conditions: [{ ready: true, serving: false, terminating: true }],
    is: 'last resort',
    why: 'ready is the owner’s word, also of a terminating pod that is not serving',
  },
  {
    conditions: [{ ready: false, serving: true, terminating: true }],
    is: 'last resort',
    why: 'a pod that finishes',
  },
  { conditions: [{ terminating: true }], is: 'last resort', why: 'nil is ready' },
  {
    conditions: [{ serving: false, terminating: true }],
    is: 'last resort',
    why: 'nil is ready, serving or not',
  },
  { conditions: [{ serving: false }], is: 'used', why: 'nil is ready, serving or not' },
  {
    conditions: [{ ready: false, terminating: true }],
    is: 'out',
    why: 'serving nil follows ready false',
  },
  {
    conditions: [{ ready: false, serving: false, terminating: true }],
    is: 'out',
    why: 'a pod that has finished',
  },
  {
    conditions: [{ ready: false }, { ready: true }],
    is: 'used',
    why: 'ready in one of two slices',
  },
  {
    conditions: [{ ready: true }, { ready: false, serving: true, terminating: true }],
    is: 'last resort',
    why: 'terminating in one of two slices',
  },
  { conditions: ['odd'], is: 'used', why: 'a condition of another shape says nothing' },
]

for (const { conditions, is, why } of cases) {
  t.test(`${is}: ${why}`, async (t) => {
    const sightings = conditions.map((of) => ({ address: '10.0.0.1', port: 80, conditions: of }))
    const other: Sighting = { address: '10.0.0.2', port: 80, conditions: { ready: true } }
    const addresses = (of: readonly Sighting[]) => decideEndpoints(of).map((it) => it.address)
    const beside = is === 'used' ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2']
    t.same(addresses([...sightings, other]), beside, 'beside a ready endpoint')
    t.same(addresses(sightings), is === 'out' ? [] : ['10.0.0.1'], 'alone')
  })
}

t.test('the order and the number of sightings do not matter', async (t) => {
  const flag = fc.constantFrom(true, false, null, undefined)
  const sighting = fc.record({
    address: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.10', 'fd00::1'),
    port: fc.constantFrom(80, 8080),
    conditions: fc.record({ ready: flag, serving: flag, terminating: flag }),
  })
  assertProperty(
    t,
    fc.property(fc.array(sighting), (sightings) => {
      const one = JSON.stringify(decideEndpoints(sightings))
      const other = JSON.stringify(decideEndpoints([...sightings, ...sightings].reverse()))
      return one === other
    }),
  )
})
