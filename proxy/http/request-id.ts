// How are requests told apart in logs across programs? Ids of 32 hex digits that nobody outside can foresee.
import { hex32 } from '../../shared/hex.ts'

/** Tells whether an id that came with a request may be kept: 1 to 128 characters that are harmless in logs and fields. */
export function isRequestId(text: string): boolean {
  return text.length <= 128 && /^[A-Za-z0-9._:/+=@-]+$/.test(text)
}

const idsPerSeed = 0x10000

/**
 * Creates a source of unique ids. `random` gives that many unpredictable bytes and is asked once per 65,536 ids: asking the
 * kernel for each request would cost more than all the rest of the id (bench/micro/facts.bench.ts).
 */
export function createRequestIdSource(random: (size: number) => Buffer): () => string {
  let prefix = ''
  let key = 0
  let multiplier = 1
  let left = 0
  return () => {
    if (left === 0) {
      const seed = random(20)
      prefix = seed.toString('hex', 0, 12)
      key = seed.readUInt32BE(12)
      multiplier = seed.readUInt32BE(16) | 1
      left = idsPerSeed
    }
    left -= 1
    return prefix + hex32(scramble(left, key, multiplier))
  }
}

/** Maps 32 bits one to one, in a way that depends on the seed: ids of one seed differ, and one does not tell the next. */
function scramble(count: number, key: number, multiplier: number): number {
  let value = Math.imul(count ^ key, multiplier)
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return value ^ (value >>> 13)
}
