// What does a password hash to by the oldest crypt(3)? DES with a salt of two letters, 25 times over zeros (FIPS 46-3 for the
// tables). Eight characters of a password count. `htpasswd -d` writes it.
import { letters, letterValue } from './letters.ts'

const initial = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64,
  56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53,
  45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
]
const expansion = [
  32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19,
  20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
]
const permutation = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13,
  30, 6, 22, 11, 4, 25,
]
const firstChoice = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
  52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21,
  13, 5, 28, 20, 12, 4,
]
const secondChoice = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
  31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]
const shifts = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
// One row of 64 hexadecimal digits per box, in the order of FIPS 46-3: four rows of sixteen.
const boxes = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
]

const substitutions = boxes.map((row) => Array.from(row, (digit) => Number.parseInt(digit, 16)))

/** Hashes a password (latin1 bytes) with a salt of two letters of crypt(3); undefined when the salt is none. */
export function desCrypt(password: string, salt: string): string | undefined {
  const values = [letterValue(salt.slice(0, 1)), letterValue(salt.slice(1, 2))]
  if (values.includes(-1)) return undefined
  const key: number[] = []
  for (let at = 0; at < 8; at += 1) {
    // Seven bits of each character count; the eighth is the parity of DES.
    const code = at < password.length ? password.charCodeAt(at) & 0x7f : 0
    for (let bit = 6; bit >= 0; bit -= 1) key.push((code >> bit) & 1)
    key.push(0)
  }
  const keys = roundKeys(key)
  const spread = saltedExpansion(values)
  let block: readonly number[] = Array(64).fill(0)
  for (let round = 0; round < 25; round += 1) block = encrypt(block, keys, spread)
  return salt.slice(0, 2) + textOf(block)
}

function pick(bits: readonly number[], table: readonly number[]): number[] {
  return table.map((place) => bits[place - 1] ?? 0)
}

function roundKeys(key: readonly number[]): readonly (readonly number[])[] {
  const chosen = pick(key, firstChoice)
  let left = chosen.slice(0, 28)
  let right = chosen.slice(28)
  return shifts.map((by) => {
    left = [...left.slice(by), ...left.slice(0, by)]
    right = [...right.slice(by), ...right.slice(0, by)]
    return pick([...left, ...right], secondChoice)
  })
}

/** Each bit of the salt that is set swaps two places of the expansion, 24 apart. */
function saltedExpansion(values: readonly number[]): readonly number[] {
  const table = [...expansion]
  for (const [at, value] of values.entries()) {
    for (let bit = 0; bit < 6; bit += 1) {
      if (((value >> bit) & 1) === 0) continue
      const place = 6 * at + bit
      const moved = table[place] ?? 0
      table[place] = table[place + 24] ?? 0
      table[place + 24] = moved
    }
  }
  return table
}

function encrypt(
  block: readonly number[],
  keys: readonly (readonly number[])[],
  spread: readonly number[],
): readonly number[] {
  const mixed = pick(block, initial)
  let left = mixed.slice(0, 32)
  let right = mixed.slice(32)
  for (const key of keys) {
    const changed = substitute(pick(right, spread), key)
    const next = left.map((bit, at) => bit ^ (changed[at] ?? 0))
    left = right
    right = next
  }
  // The last round does not swap; what the initial permutation moved goes back to its place.
  const out: number[] = Array(64).fill(0)
  const swapped = [...right, ...left]
  for (const [at, place] of initial.entries()) out[place - 1] = swapped[at] ?? 0
  return out
}

function substitute(bits: readonly number[], key: readonly number[]): readonly number[] {
  const out: number[] = []
  for (const [index, box] of substitutions.entries()) {
    const bit = (at: number) => (bits[6 * index + at] ?? 0) ^ (key[6 * index + at] ?? 0)
    const row = (bit(0) << 1) | bit(5)
    const column = (bit(1) << 3) | (bit(2) << 2) | (bit(3) << 1) | bit(4)
    const value = box[16 * row + column] ?? 0
    for (let shift = 3; shift >= 0; shift -= 1) out.push((value >> shift) & 1)
  }
  return pick(out, permutation)
}

/** Eleven letters of six bits each, the highest bit first; two bits of the last one are zero. */
function textOf(block: readonly number[]): string {
  let text = ''
  for (let at = 0; at < 66; at += 6) {
    let value = 0
    for (let bit = 0; bit < 6; bit += 1) value = (value << 1) | (block[at + bit] ?? 0)
    text += letters(value, 1)
  }
  return text
}
