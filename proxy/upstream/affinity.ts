// Which Service and endpoint served this client before? A cookie names the endpoint by a short hash of its address and port,
// or a key that is hashed to an endpoint.
//
//   one choice                           cookie=0123456789abcdef            the endpoint
//   several (a route with weights)       cookie=01234567-0123456789abcdef   the choice, and its endpoint
//   by key, whatever the choices         cookie=01234567-0123456789abcdef   the choice, and a key; any other value is a key, too
//
// Invariant: every proxy gives an endpoint of an upstream the same name, and a key the same endpoint, so that a client may come
// in through any node.
// Invariant: a cookie holds when choices come or go beside its own.
// Invariant: names are made when an endpoint is first seen, never on the request path; a hostile Cookie header costs one
// scan of its text.
import { createHash } from 'node:crypto'
import { findCookie } from '../../shared/cookies.ts'
import { hex32 } from '../../shared/hex.ts'
import type { Affinity } from '../../shared/routing/backend.ts'
import { type CookieRequest, compileAttributes } from './affinity-cookie.ts'
import { endpointOfKey } from './balance/hash.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import type { LiveUpstream } from './live-upstream.ts'

const choiceLength = 8
const endpointLength = 16

/** What a cookie says. */
export interface Known {
  /** A choice, by its index; undefined: a key that any choice has an endpoint for. */
  readonly at: number | undefined
  /** The choice and what follows it are told apart; of a cookie without a choice all of it. */
  readonly name: string
}

/** Who an endpoint was found for: its Set-Cookie value brings the client back to it. */
export interface Newcomer {
  readonly pool: EndpointPool
  readonly name: string
}

/** Cookie affinity of one route. */
export interface CompiledAffinity {
  /** Reads the value of a Cookie field; undefined when it names nothing of this route. */
  find(cookieHeader: string): Known | undefined
  /** The endpoint of a name in the choice `at`; undefined when it has none there. */
  poolOf(at: number, name: string): EndpointPool | undefined
  /**
   * Names an endpoint of the choice `at`: the one that `pick` gives, or by a new key one that is not in `tried`. Undefined when
   * there is none.
   */
  admit(
    at: number,
    tried: readonly EndpointPool[],
    pick: () => EndpointPool | undefined,
  ): Newcomer | undefined
  /** Makes the value of a Set-Cookie field. */
  setCookie(at: number, name: string, request: CookieRequest): string
  readonly changeOnFailure: boolean
}

/** A choice that cookies may name. */
interface Namable {
  readonly upstream: LiveUpstream
  readonly weight: number
  /** Absent: always. */
  readonly mayServe?: () => boolean
}

/** What affinity draws and dates by. */
export interface AffinityContext {
  /** In [0, 1). */
  readonly random: () => number
  /** In ms since the epoch. */
  readonly wallNow: () => number
}

/** How a cookie names endpoints. */
type Naming = Pick<CompiledAffinity, 'poolOf' | 'admit'>

/** Compiles cookie affinity; a choice of weight 0 is not found, whatever a cookie says. */
export function compileAffinity(
  affinity: Affinity,
  choices: readonly Namable[],
  context: AffinityContext,
): CompiledAffinity {
  const attributes = compileAttributes(affinity, context.wallNow)
  const isByKey = affinity.by === 'key'
  const naming = isByKey ? byKey(choices, context.random) : byEndpoint(choices)
  const names = choices.map(({ upstream }) => hash(upstream.key, choiceLength))
  const isFound = ({ weight, mayServe }: Namable) => weight > 0 && mayServe?.() !== false

  return {
    ...naming,
    changeOnFailure: affinity.changeOnFailure,
    setCookie(at, name, request) {
      const prefix = choices.length === 1 && !isByKey ? '' : `${names[at] ?? ''}-`
      return `${affinity.cookie}=${prefix}${name}${attributes(request)}`
    },
    find(cookieHeader) {
      const value = findCookie(cookieHeader, affinity.cookie)
      if (value === undefined) return undefined
      const hasChoice = value[choiceLength] === '-'
      const wanted = hasChoice ? value.slice(0, choiceLength) : ''
      const name = hasChoice ? value.slice(choiceLength + 1) : value
      for (const [at, choice] of choices.entries()) {
        if (!isFound(choice)) continue
        const isIt = names[at] === wanted || (!isByKey && naming.poolOf(at, name) !== undefined)
        if (isIt) return { at, name }
      }
      return isByKey && value !== '' ? { at: undefined, name } : undefined
    },
  }
}

function byEndpoint(choices: readonly Namable[]): Naming {
  const named = choices.map(({ upstream }) => new EndpointNames(upstream))
  return {
    poolOf: (at, name) => named[at]?.find(name),
    admit(at, _tried, pick) {
      const pool = pick()
      return pool === undefined ? undefined : { pool, name: named[at]?.of(pool) ?? '' }
    },
  }
}

// ingress-nginx's bound: so many keys are drawn before an endpoint is taken that no cookie leads to.
const maxDraws = 20

function byKey(choices: readonly Namable[], random: () => number): Naming {
  // Near or far: every node gives a key the same endpoint.
  const poolOf = (at: number, name: string) =>
    endpointOfKey(choices[at]?.upstream.pools ?? [], name)
  return {
    poolOf,
    admit(at, tried) {
      for (let draw = 0; draw < maxDraws; draw += 1) {
        const name = digits(random()) + digits(random())
        const pool = poolOf(at, name)
        if (pool !== undefined && !pool.health.isOut && !tried.includes(pool)) return { pool, name }
      }
      return undefined
    },
  }
}

function digits(draw: number): string {
  return hex32(Math.floor(draw * 2 ** 32))
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
