import t from 'tap'
import { createBackoff } from './backoff.ts'

t.test('delays double from 0.8 s up to 30 s and begin anew after success', async (t) => {
  const backoff = createBackoff({ minMs: 800, maxMs: 30_000, random: () => 0 })
  const delays = Array.from({ length: 8 }, () => backoff.next())
  t.strictSame(delays, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  backoff.reset()
  t.equal(backoff.next(), 800)
})

t.test('jitter never leaves the bounds', async (t) => {
  const backoff = createBackoff({ minMs: 800, maxMs: 30_000, random: () => 0.999 })
  for (let i = 0; i < 20; i += 1) {
    const delayMs = backoff.next()
    t.ok(delayMs >= 800 && delayMs <= 30_000)
  }
})
