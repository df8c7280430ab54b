// What serves the requests of a route of eskip? A backend as it is written becomes a target: upstreams and how to choose among
// their endpoints, or one of Skipper's own backends.
import { type Origin, readOrigin } from '../../auth-origin.ts'
import { nearNames, oneOfNames } from '../../near-names.ts'
import type { Balance } from '../backend.ts'
import { type BackendRef, refOfAddresses } from '../upstreams/backend-ref.ts'
import type { EskipBackend } from './language.ts'

/** What serves requests. */
export type Target =
  | UpstreamTarget
  | { readonly kind: 'shunt' | 'loopback' | 'dynamic' }
  /** Another cluster, whose filters count (`--forward-backend-url`). */
  | { readonly kind: 'forward' }

/** A Service, or addresses. */
export interface UpstreamTarget {
  readonly kind: 'upstream'
  readonly ref: BackendRef
  /** Absent: in turn. */
  readonly balance?: Balance
}

/** What is wrong, in two sentences. */
export interface TargetFault {
  readonly message: string
  readonly remedy: string
}

/** Skipper's algorithms. `random` and `weightedRoundRobin` go in turn: each endpoint gets the same share. */
const balances: ReadonlyMap<string, Balance | undefined> = new Map([
  ['roundRobin', undefined],
  ['random', undefined],
  ['weightedRoundRobin', undefined],
  ['leastRequests', { kind: 'least-requests' }],
  ['powerOfRandomNChoices', { kind: 'least-requests' }],
  ['consistentHash', { kind: 'hash', key: { from: 'address' } }],
])

/** Reads the backend of a route. */
export function readTarget(backend: EskipBackend, namespace: string): Target | TargetFault {
  switch (backend.kind) {
    case 'network':
      return readAddresses([backend.address], '', namespace)
    case 'lb':
      return readAddresses(backend.endpoints, backend.algorithm ?? '', namespace)
    case 'forward':
    case 'shunt':
    case 'loopback':
    case 'dynamic':
      return { kind: backend.kind }
  }
}

/** Says that a target could not be read. */
export function isFault<T extends object>(target: T | TargetFault): target is TargetFault {
  return 'remedy' in target
}

/** Reads addresses, each `http://host:port` without a path, and the algorithm that chooses among them; empty: Skipper's first. */
export function readAddresses(
  addresses: readonly string[],
  algorithm: string,
  namespace: string,
): UpstreamTarget | TargetFault {
  const balance = readAlgorithm(algorithm)
  if (balance !== undefined && isFault(balance)) return balance
  const origins: Origin[] = []
  for (const address of addresses) {
    const result = readOrigin(address)
    const wrong = result.ok
      ? result.target === '/'
        ? undefined
        : 'has a path or a query'
      : result.reason
    if (!result.ok || wrong !== undefined || address.endsWith('/')) {
      return {
        message: `The address ${JSON.stringify(address)} ${wrong ?? 'ends with a /'}.`,
        remedy: 'Write it as http://host:port or https://host:port.',
      }
    }
    origins.push(result.origin)
  }
  if (origins.length === 0) {
    return { message: 'The list has no endpoints.', remedy: 'Name at least one address.' }
  }
  const ref = refOfAddresses(origins, namespace)
  return { kind: 'upstream', ref, ...(balance === undefined ? {} : { balance }) }
}

/** Reads the name of an algorithm; empty is Skipper's first. */
export function readAlgorithm(name: string): Balance | TargetFault | undefined {
  if (name === '' || balances.has(name)) return balances.get(name)
  const near = oneOfNames(nearNames(name, balances.keys()))
  return {
    message: `There is no algorithm ${JSON.stringify(name)}.`,
    remedy:
      near === undefined
        ? `Use one of ${[...balances.keys()].join(', ')}.`
        : `Did you mean ${near}?`,
  }
}
