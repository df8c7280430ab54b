import t from 'tap'
import { noteServerError } from './outlier.ts'
import { testPools } from './testing/pools.ts'

const cases: { endpoints: number; percent?: number; ejected: number; why: string }[] = [
  { endpoints: 1, ejected: 0, why: 'the only one never goes' },
  { endpoints: 2, ejected: 1, why: 'half of two' },
  { endpoints: 3, ejected: 1, why: 'half of three, rounded down' },
  { endpoints: 10, ejected: 5, why: 'half of ten' },
  { endpoints: 10, percent: 20, ejected: 2, why: 'as the route says' },
  { endpoints: 10, percent: 0, ejected: 1, why: 'one always may' },
  { endpoints: 3, percent: 100, ejected: 3, why: 'all, if the route says so' },
]

for (const { endpoints, percent, ejected, why } of cases) {
  t.test(`of ${endpoints} that answer 5xx ${ejected} are ejected: ${why}`, async (t) => {
    const { pools: all, time } = testPools()
    const pools = Array.from({ length: endpoints }, (_, at) =>
      all.reference({ address: `10.0.0.${at}`, port: 80 }),
    )
    const outlier = {
      consecutive5xx: 2,
      ...(percent !== undefined && { maxEjectedPercent: percent }),
    }
    for (let count = 0; count < 3; count += 1) {
      for (const pool of pools) noteServerError(pool, pools, outlier)
    }
    const count = () => pools.filter(({ health }) => health.isEjected).length
    t.equal(count(), ejected)
    time.now += 10_000
    t.equal(count(), 0, 'for 10 s')
  })
}
