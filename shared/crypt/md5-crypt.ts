// What does a password hash to by MD5, a thousand times, salted and mixed? `$1$` of crypt(3), and `$apr1$` of Apache's
// htpasswd (APR, apr_md5_encode), which differs in its name only.
import { createHash } from 'node:crypto'
import { letters } from './letters.ts'

function md5(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Hashes a password (latin1 bytes); of the salt 8 characters count. */
export function md5Crypt(name: '1' | 'apr1', password: string, salt: string): string {
  const pass = Buffer.from(password, 'latin1')
  const salted = Buffer.from(salt.slice(0, 8), 'latin1')
  const magic = `$${name}$`
  const inner = md5(pass, salted, pass)
  const first: Buffer[] = [pass, Buffer.from(magic), salted]
  for (let left = pass.length; left > 0; left -= 16)
    first.push(inner.subarray(0, Math.min(16, left)))
  // For each bit of the length: a NUL, or the first byte of the password.
  for (let bits = pass.length; bits > 0; bits >>= 1) {
    first.push(bits & 1 ? Buffer.from([0]) : pass.subarray(0, 1))
  }
  let digest = md5(...first)
  for (let round = 0; round < 1000; round += 1) {
    const parts: Buffer[] = [round & 1 ? pass : digest]
    if (round % 3 !== 0) parts.push(salted)
    if (round % 7 !== 0) parts.push(pass)
    parts.push(round & 1 ? digest : pass)
    digest = md5(...parts)
  }
  return `${magic}${salt.slice(0, 8)}$${textOf(digest)}`
}

function textOf(digest: Buffer): string {
  const byte = (at: number) => digest[at] ?? 0
  const groups = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const
  let text = ''
  for (const [a, b, c] of groups) text += letters((byte(a) << 16) | (byte(b) << 8) | byte(c), 4)
  return text + letters(byte(11), 2)
}
