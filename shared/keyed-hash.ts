// Which number stands for a text that a stranger chose, so that no stranger can find two texts with the same one?
//
// HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein, 2012; its variant for 32-bit words), a keyed hash made for
// tables under attack. A text is hashed as its UTF-16 code units, two bytes each, least significant first.
// In 32-bit arithmetic: a BigInt per round would cost more than the rest of a rate limit.

/** Hashes texts under one secret key. */
export interface KeyedHash {
  /** Puts the hash of `text` into `low` and `high`; nothing is allocated. */
  hash(text: string): void
  /** 32 bits of the last hash, as a signed number. */
  readonly low: number
  /** The other 32 bits. */
  readonly high: number
}

/** Makes a hash of two secret 32-bit numbers. */
export function createKeyedHash(key0: number, key1: number): KeyedHash {
  return new HalfSipHash(key0, key1)
}

class HalfSipHash implements KeyedHash {
  readonly #key0: number
  readonly #key1: number
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0
  low = 0
  high = 0

  constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0
    this.#key1 = key1 | 0
  }

  hash(text: string): void {
    this.#v0 = this.#key0
    this.#v1 = this.#key1 ^ 0xee
    this.#v2 = 0x6c796765 ^ this.#key0
    this.#v3 = 0x74656462 ^ this.#key1
    const whole = text.length & ~1
    for (let at = 0; at < whole; at += 2) {
      this.#compress(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16))
    }
    const rest = whole < text.length ? text.charCodeAt(whole) : 0
    this.#compress(rest | ((text.length * 2) << 24))
    this.#v2 ^= 0xee
    this.#rounds(4)
    this.low = this.#v1 ^ this.#v3
    this.#v1 ^= 0xdd
    this.#rounds(4)
    this.high = this.#v1 ^ this.#v3
  }

  #compress(word: number): void {
    this.#v3 ^= word
    this.#rounds(2)
    this.#v0 ^= word
  }

  #rounds(count: number): void {
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    for (let round = 0; round < count; round += 1) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
  }
}
