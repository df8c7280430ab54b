// Bytes and sizes that look random and are the same in each run, so that a failure can be played again.

/** A source of numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `size` bytes of every value. */
export function seededBytes(random: () => number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at += 1) bytes[at] = Math.floor(random() * 256)
  return bytes
}

/** Cuts `bytes` into parts of odd sizes: mostly small, some large, never empty. */
export function cutOddly(random: () => number, bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(1, Math.floor(random() ** 6 * 90_000))
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  return parts
}

/** A seed for this run, said so that the run can be had again. */
export function freshSeed(comment: (text: string) => void): number {
  const seed = Math.floor(Math.random() * 2 ** 32)
  comment(`seed ${seed}`)
  return seed
}
