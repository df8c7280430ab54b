// What does a password hash to by SHA-256 or SHA-512, some thousand times? `$5$` and `$6$` of crypt(3), by the
// specification of U. Drepper ("Unix crypt using SHA-256 and SHA-512").
//
// Invariant: the work is bounded: long passwords and many rounds fit nothing.
import { createHash } from 'node:crypto'
import { letters } from './letters.ts'

const defaultRounds = 5000
const minRounds = 1000
// The specification allows 999,999,999, which would take hours.
const maxRounds = 500_000
// The work grows with the square of the length; musl has the same bound.
const maxPasswordBytes = 256

interface Scheme {
  readonly hash: 'sha256' | 'sha512'
  readonly bytes: number
  /** The bytes that are left for the last group; -1: none. */
  readonly last: readonly [number, number, number]
  readonly lastLetters: number
}

const schemes: Readonly<Record<string, Scheme>> = {
  5: { hash: 'sha256', bytes: 32, last: [-1, 31, 30], lastLetters: 3 },
  6: { hash: 'sha512', bytes: 64, last: [-1, -1, 63], lastLetters: 2 },
}

/** Hashes a password (latin1 bytes) as `setting` (`$5$[rounds=N$]salt…`) says; undefined when that cannot be done. */
export function shaCrypt(password: string, setting: string): string | undefined {
  const [, name = '', given, salt = ''] =
    /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})/.exec(setting) ?? []
  const scheme = schemes[name]
  const rounds = Math.max(minRounds, Number(given ?? defaultRounds))
  if (scheme === undefined || rounds > maxRounds || password.length > maxPasswordBytes) {
    return undefined
  }
  const digest = digestOf(scheme, Buffer.from(password, 'latin1'), Buffer.from(salt), rounds)
  const told = given === undefined ? '' : `rounds=${rounds}$`
  return `$${name}$${told}${salt}$${textOf(scheme, digest)}`
}

function digestOf({ hash, bytes }: Scheme, pass: Buffer, salt: Buffer, rounds: number): Buffer {
  const digest = (parts: readonly Buffer[]) => {
    const sum = createHash(hash)
    for (const part of parts) sum.update(part)
    return sum.digest()
  }
  const stretch = (block: Buffer, length: number) =>
    Buffer.alloc(length, length === 0 ? '' : block.subarray(0, bytes))
  const inner = digest([pass, salt, pass])
  const first = [pass, salt, stretch(inner, pass.length)]
  for (let bits = pass.length; bits > 0; bits >>= 1) first.push(bits & 1 ? inner : pass)
  let sum = digest(first)
  const longPass = stretch(digest(Array(pass.length).fill(pass)), pass.length)
  const longSalt = stretch(digest(Array(16 + (sum[0] ?? 0)).fill(salt)), salt.length)
  for (let round = 0; round < rounds; round += 1) {
    const parts = [round & 1 ? longPass : sum]
    if (round % 3 !== 0) parts.push(longSalt)
    if (round % 7 !== 0) parts.push(longPass)
    parts.push(round & 1 ? sum : longPass)
    sum = digest(parts)
  }
  return sum
}

/** Groups of three bytes, a third of the digest apart; which of them comes first turns with each group. */
function textOf({ bytes, last, lastLetters }: Scheme, digest: Buffer): string {
  const byte = (at: number) => digest[at] ?? 0
  const third = Math.floor(bytes / 3)
  const turn = bytes === 32 ? 2 : 1
  let text = ''
  for (let group = 0; group < third; group += 1) {
    const at = (part: number) => byte(group + third * ((part + group * turn) % 3))
    text += letters((at(0) << 16) | (at(1) << 8) | at(2), 4)
  }
  const [a, b, c] = last
  return text + letters((byte(a) << 16) | (byte(b) << 8) | byte(c), lastLetters)
}
