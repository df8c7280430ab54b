// Does a password fit a hash of an htpasswd file? What nginx takes: bcrypt, apr1, {SHA}, {SSHA}, {PLAIN}, and crypt(3) with
// MD5, SHA-256, SHA-512 or DES. The only file that imports bcryptjs.
//
// Invariant: what is not understood fits nothing; texts are compared in constant time. Passwords are latin1: bytes as they came.
import { createHash, timingSafeEqual } from 'node:crypto'
import { compareSync, truncates } from 'bcryptjs'
import { desCrypt } from './crypt/des-crypt.ts'
import { md5Crypt } from './crypt/md5-crypt.ts'
import { shaCrypt } from './crypt/sha-crypt.ts'

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
  if (hash.startsWith('{PLAIN}')) return isSame(hash.slice(7), password)
  const made = hashLike(hash, password)
  return made !== undefined && isSame(hash, made)
}

/** Hashes a password as `hash` was made; undefined when nobody knows how. */
function hashLike(hash: string, password: string): string | undefined {
  if (hash.startsWith('{SHA}')) return `{SHA}${sha1(password)}`
  if (hash.startsWith('{SSHA}')) {
    // The salt stands behind the 20 bytes of the digest (RFC 2307bis, userPassword).
    const salt = Buffer.from(hash.slice(6), 'base64').subarray(20)
    return `{SSHA}${sha1(password, salt)}`
  }
  const [, name = '', salt = ''] = /^\$(1|apr1)\$([^$]{0,8})\$/.exec(hash) ?? []
  if (name === '1' || name === 'apr1') return md5Crypt(name, password, salt)
  if (/^\$[56]\$/.test(hash)) return shaCrypt(password, hash)
  return /^[./0-9A-Za-z]{13}$/.test(hash) ? desCrypt(password, hash.slice(0, 2)) : undefined
}

function sha1(password: string, salt = Buffer.alloc(0)): string {
  const digest = createHash('sha1').update(password, 'latin1').update(salt).digest()
  return Buffer.concat([digest, salt]).toString('base64')
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')]
  return left.length === right.length && timingSafeEqual(left, right)
}
