// Who is it, by name and password? (RFC 7617) Users come from a Secret: an htpasswd file, or one name with its password.
//
// Invariant: without the Secret, or with one that cannot be read, nobody comes in (503).
// Invariant: a name that does not exist takes as long as one that does, and a password is checked once: what fits is
// remembered by its digest, bounded, and forgotten with the Secret's next version.

import { createHash, timingSafeEqual } from 'node:crypto'
import { createBoundedCache } from '../../bounded-cache.ts'
import { readCredentials } from '../credentials.ts'
import { thrownBy } from './asset-fault.ts'
import type {
  AssetData,
  AssetRef,
  CompileContext,
  Filter,
  FilterKind,
  RequestView,
  Verdict,
} from './kind.ts'

/** Lets in who knows a name and password of the Secret. */
export interface BasicAuthFilter extends Filter {
  readonly kind: 'basic-auth'
  /** `namespace/name`. Entry `auth`, `htpasswd` or `users` (htpasswd lines), or `username` and `password`. */
  readonly secret?: string
  /** An htpasswd file instead of a Secret: its absolute path, below that of `--auth-files`. */
  readonly file?: string
  /** Shown by browsers: ASCII without quotes. */
  readonly realm: string
  /** How ingress-nginx has the users: lines in the entry `auth`, or an entry per user. Absent: as `secret` says. */
  readonly format?: 'auth-file' | 'auth-map'
  /** Authorization does not go upstream. */
  readonly hidesPassword?: true
}

interface Users {
  /** Hash of each name; the empty name's is what unknown names are checked against. */
  readonly hashes: ReadonlyMap<string, string>
  /** Of a Secret with one name: its password as it is. */
  readonly plain: string | undefined
  /** Digests of what was checked and fits. */
  readonly known: ReturnType<typeof createBoundedCache<string, object>>
}

const maxKnown = 1000
const timeoutMs = 10_000
const fits = {}

export const basicAuthKind: FilterKind<BasicAuthFilter> = {
  kind: 'basic-auth',
  isGuard: true,
  defaults: { realm: 'Authentication Required' },
  fault({ secret, file, realm }) {
    if ((secret ?? file) === undefined) return 'there is no Secret with the users'
    return /^[ !#-[\]-~]*$/.test(realm) ? undefined : 'the realm must be ASCII without quotes'
  },
  assets: (filter) => [placeOf(filter)],
  assetFault: ({ format }, _ref, data) => thrownBy(() => readUsers(data, format)),
  compile(filter, context) {
    const { realm, format, hidesPassword } = filter
    const read = (data: AssetData) => readUsers(data, format)
    const users = context.asset(placeOf(filter), read)
    const refusal: Verdict = {
      status: 401,
      code: 'unauthorized',
      headers: [
        // nginx names no charset.
        ['WWW-Authenticate', `Basic realm="${realm}"${format ? '' : ', charset="UTF-8"'}`],
        ['Content-Type', 'text/plain; charset=utf-8'],
      ],
      body: '401 unauthorized\nA name and a password are needed.\n',
    }
    return {
      request: {
        kind: 'async',
        timeoutMs,
        onTimeout: 'auth-unavailable',
        start(request, settle) {
          if (users.value === undefined) settle('auth-unavailable')
          else return check(users.value, request, context, refusal, settle)
          return () => {}
        },
      },
      // Not by a step: who is asked behind this filter still sees it.
      ...(hidesPassword && { requestEdits: { dropped: new Set(['authorization']), appended: '' } }),
    }
  },
}

/** Where the users are. */
function placeOf({ secret, file }: BasicAuthFilter): AssetRef & { kind: 'secret' | 'file' } {
  return file === undefined ? { kind: 'secret', name: secret ?? '' } : { kind: 'file', name: file }
}

function check(
  users: Users,
  request: RequestView,
  context: CompileContext,
  refusal: Verdict,
  settle: (verdict: Verdict) => void,
): () => void {
  const given = readCredentials(request.field('authorization'))
  if (given === undefined) {
    settle(refusal)
    return () => {}
  }
  const { name, password } = given
  const digest = createHash('sha256').update(`${name}\0${password}`, 'latin1').digest('base64')
  if (users.known.get(digest) !== undefined) {
    settle(undefined)
    return () => {}
  }
  const hash = users.hashes.get(name)
  if (users.plain !== undefined) {
    settle(hash !== undefined && isSame(users.plain, password) ? undefined : refusal)
    return () => {}
  }
  return context.verifyPassword(hash ?? users.hashes.get('') ?? '', password, (isRight) => {
    if (isRight === undefined) settle('auth-unavailable')
    else if (isRight && hash !== undefined) {
      users.known.set(digest, fits)
      settle(undefined)
    } else settle(refusal)
  })
}

function isSame(a: string, b: string): boolean {
  const digestOf = (text: string) => createHash('sha256').update(text, 'latin1').digest()
  return timingSafeEqual(digestOf(a), digestOf(b))
}

/** Reads the users of a Secret. Throws when there are none. */
export function readUsers(data: AssetData, format?: BasicAuthFilter['format']): Users {
  const known = createBoundedCache<string, object>({ max: maxKnown })
  if (format === 'auth-map')
    return { hashes: usersOf(Object.entries(data)), plain: undefined, known }
  const { username, password } = data
  if (format === undefined && username !== undefined && password !== undefined) {
    return { hashes: new Map([[username, '']]), plain: password, known }
  }
  const file = data.auth ?? (format === undefined ? (data.htpasswd ?? data.users) : undefined)
  if (file === undefined) {
    throw new Error(`the Secret has no entry auth${format ? '' : ', htpasswd or users'}`)
  }
  const lines = file.split(/\r?\n/).filter((line) => /^[^#:][^:]*:/.test(line))
  return { hashes: usersOf(lines.map((line) => line.split(':', 2))), plain: undefined, known }
}

/** Of two hashes of a name the first counts, and what stands behind a colon is none of it (ngx_http_auth_basic_module). */
function usersOf(entries: readonly (readonly string[])[]): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>()
  for (const [name = '', value = ''] of entries) {
    if (!hashes.has(name)) hashes.set(name, value.replace(/[:\r\n].*$/s, ''))
  }
  const [first] = hashes.values()
  if (first === undefined) throw new Error('the Secret has no user')
  hashes.set('', first)
  return hashes
}
