// Does a password fit a hash of an htpasswd file? bcrypt, apr1 (MD5), SHA-1 and SHA-256/512 of Apache, plain never.
// The only file that imports bcryptjs.
//
// Invariant: what is not understood fits nothing; texts are compared in constant time. Passwords are latin1: bytes as they came.
import { createHash, timingSafeEqual } from 'node:crypto'
import { compareSync, truncates } from 'bcryptjs'

/** A question to the thread that checks passwords. */
export interface PasswordQuestion {
  readonly id: number
  readonly hash: string
  readonly password: string
}

/** Its answer. */
export interface PasswordAnswer {
  readonly id: number
  readonly fits: boolean
}

/** Says whether a password (latin1 bytes) fits a hash; takes up to a second for bcrypt, so never on a thread that serves. */
export function fitsHash(hash: string, password: string): boolean {
  if (/^\$2[abxy]\$\d\d\$/.test(hash)) {
    const text = Buffer.from(password, 'latin1').toString('utf8')
    // bcrypt reads 72 bytes: a longer password would be taken for its beginning.
    return !truncates(text) && compareSync(text, hash.replace(/^\$2[xy]\$/, '$2b$'))
  }
  if (hash.startsWith('{SHA}')) {
    const digest = createHash('sha1').update(password, 'latin1').digest('base64')
    return isSame(hash.slice(5), digest)
  }
  if (hash.startsWith('$apr1$')) return isSame(hash, apr1(password, hash.split('$')[2] ?? ''))
  return false
}

/** Says whether Weir can check this kind of hash. */
export function isKnownHash(hash: string): boolean {
  return /^(?:\$2[abxy]\$\d\d\$.{53}|\{SHA\}[A-Za-z0-9+/]{27}=|\$apr1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22})$/.test(
    hash,
  )
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')]
  return left.length === right.length && timingSafeEqual(left, right)
}

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const md5 = (...parts: (Buffer | string)[]) => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The `$apr1$` scheme of Apache's htpasswd (APR, apr_md5_encode): MD5 a thousand times, salted and mixed. */
export function apr1(password: string, salt: string): string {
  const pass = Buffer.from(password, 'latin1')
  const salted = Buffer.from(salt.slice(0, 8), 'latin1')
  const inner = md5(pass, salted, pass)
  const first: Buffer[] = [pass, Buffer.from('$apr1$'), salted]
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
  return `$apr1$${salt.slice(0, 8)}$${apr1Text(digest)}`
}

/** Base64 of its own kind: groups of three bytes in a set order, low bits first. */
function apr1Text(digest: Buffer): string {
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

function letters(value: number, count: number): string {
  let text = ''
  for (let left = value, n = 0; n < count; n += 1, left >>= 6) text += alphabet[left & 0x3f]
  return text
}
