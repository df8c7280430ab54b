// Which Service and endpoint served this client before? A cookie names the endpoint by a short hash of its address and port.
//
//   one choice                           cookie=0123456789abcdef            the endpoint
//   several (a route with weights)       cookie=01234567-0123456789abcdef   the choice, and its endpoint
//
// Invariant: every proxy gives an endpoint of an upstream the same name, so that a client may come in through any node.
// Invariant: a cookie holds when choices come or go beside its own.
// Invariant: names are made when an endpoint is first seen, never on the request path; a hostile Cookie header costs one
// scan of its text.
import { createHash } from 'node:crypto'
import { findCookie } from '../../shared/cookies.ts'
import type { Affinity } from '../../shared/routing/backend.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

const choiceLength = 8
const endpointLength = 16

/** What a cookie says: a choice, by its index, and its endpoint if that is still there. */
export interface Known {
  readonly at: number
  readonly pool: EndpointPool | undefined
}

/** Cookie affinity of one route. */
export interface CompiledAffinity {
  /** Reads the value of a Cookie field; undefined when it names nothing of this route. */
  find(cookieHeader: string): Known | undefined
  /** Makes the value of a Set-Cookie field for an endpoint of the choice `at`. */
  setCookie(at: number, pool: EndpointPool): string
  readonly changeOnFailure: boolean
}

/** A choice that cookies may name. */
interface Namable {
  readonly upstream: LiveUpstream
  readonly weight: number
  /** Absent: always. */
  readonly mayServe?: () => boolean
}

/** Compiles cookie affinity; a choice of weight 0 is not found, whatever a cookie says. */
export function compileAffinity(affinity: Affinity, choices: readonly Namable[]): CompiledAffinity {
  const attributes = attributesOf(affinity)
  const named = choices.map(({ upstream, weight, mayServe }) => ({
    weight,
    mayServe,
    names: new EndpointNames(upstream),
    name: hash(upstream.key, choiceLength),
  }))

  return {
    changeOnFailure: affinity.changeOnFailure,
    setCookie(at, pool) {
      const { names, name = '' } = named[at] ?? {}
      const prefix = choices.length === 1 ? '' : `${name}-`
      return `${affinity.cookie}=${prefix}${names?.of(pool) ?? ''}${attributes}`
    },
    find(cookieHeader) {
      const value = findCookie(cookieHeader, affinity.cookie)
      if (value === undefined) return undefined
      const hasChoice = value[choiceLength] === '-'
      const choice = hasChoice ? value.slice(0, choiceLength) : ''
      const endpoint = hasChoice ? value.slice(choiceLength + 1) : value
      for (const [at, { weight, names, name, mayServe }] of named.entries()) {
        if (weight === 0 || mayServe?.() === false) continue
        const pool = names.find(endpoint)
        if (pool !== undefined || choice === name) return { at, pool }
      }
      return undefined
    },
  }
}

/** The names of one upstream's endpoints; its key salts them, so that they cannot be looked up in a table of addresses. */
class EndpointNames {
  readonly #upstream: LiveUpstream
  readonly #names = new WeakMap<EndpointPool, string>()
  #pools: readonly EndpointPool[] = []
  #list: readonly string[] = []

  constructor(upstream: LiveUpstream) {
    this.#upstream = upstream
  }

  of(pool: EndpointPool): string {
    let name = this.#names.get(pool)
    if (name === undefined) {
      const { address, port } = pool.endpoint
      name = hash(`${this.#upstream.key}\n${address}\n${port}`, endpointLength)
      this.#names.set(pool, name)
    }
    return name
  }

  find(name: string): EndpointPool | undefined {
    if (name.length !== endpointLength) return undefined
    const { pools } = this.#upstream
    if (pools !== this.#pools) {
      this.#pools = pools
      this.#list = pools.map((pool) => this.of(pool))
    }
    return pools[this.#list.indexOf(name)]
  }
}

/** The first digits of a hash, in hexadecimal. */
function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

function attributesOf(affinity: Affinity): string {
  let text = `; Path=${affinity.path}`
  if (affinity.maxAgeSeconds > 0) text += `; Max-Age=${affinity.maxAgeSeconds}`
  text += '; HttpOnly'
  // Browsers refuse SameSite=None without Secure (RFC 6265bis §5.7).
  if (affinity.secure || affinity.sameSite === 'None') text += '; Secure'
  return affinity.sameSite === undefined ? text : `${text}; SameSite=${affinity.sameSite}`
}
