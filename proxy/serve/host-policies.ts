// What do hosts ask of connections, before any request is read? TLS is passed through, or clients are verified.
//
// Invariant: a host that has routes is never ruled by a wildcard's policy: lookups go as those of routes do (shared/routing/router/).
import { clientCheckOf } from '../../shared/routing/client-check.ts'
import type { LiveRoute } from './live-route.ts'

/** The policy of one host. */
export interface HostPolicy {
  /** Where its TLS connections go unread; undefined: TLS ends here. */
  readonly passed: LiveRoute | undefined
  /** The Secret by whose authorities clients are verified; undefined: they are asked for no certificate. */
  readonly verifiedBy: string | undefined
}

const none: HostPolicy = { passed: undefined, verifiedBy: undefined }

/** The policies of the hosts of one worker. */
export class HostPolicies {
  readonly #hosts = new Map<string, HostPolicy>()
  readonly #hasRoutes: (host: string) => boolean

  /** `hasRoutes` says whether a host, as routes name it, has any. */
  constructor(hasRoutes: (host: string) => boolean) {
    this.#hasRoutes = hasRoutes
  }

  /** No host asks for anything: nearly every worker. */
  get isEmpty(): boolean {
    return this.#hosts.size === 0
  }

  /** Takes over the routes of a host; an empty list: it has none any more. */
  set(host: string, routes: readonly LiveRoute[]): void {
    const passed = host === '' ? undefined : routes.find(isPassedThrough)
    const verifiedBy = routes.map(verifierOf).find((secret) => secret !== undefined)
    if (passed === undefined && verifiedBy === undefined) this.#hosts.delete(host)
    else this.#hosts.set(host, { passed, verifiedBy })
  }

  /** Finds the policy of a host: lower case, without port and trailing dot; empty: of clients that name none. */
  of(host: string): HostPolicy {
    if (this.#hosts.size === 0) return none
    const wildcard = `*${host.slice(host.indexOf('.'))}`
    for (const name of [host, wildcard, '']) {
      const policy = this.#hosts.get(name)
      if (policy !== undefined) return policy
      if (this.#hasRoutes(name)) return none
    }
    return none
  }
}

function isPassedThrough({ route: { backend } }: LiveRoute): boolean {
  return backend.kind === 'forward' && backend.passthrough !== undefined
}

function verifierOf({ route }: LiveRoute): string | undefined {
  const check = clientCheckOf(route.filters)
  return check === undefined || check.verify === 'off' ? undefined : check.secret
}
