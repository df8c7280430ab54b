// How does a worker keep its compiled routes and upstreams in step with the table?
//
// Invariant: routes of hosts that did not change, and upstreams with their connections and health, live on as they are.

import type { Cancel } from '../../shared/routing/filters/kind.ts'
import { compilePattern } from '../../shared/routing/pattern.ts'
import type { PathPattern, Rule } from '../../shared/routing/router/host-rules.ts'
import { type Router, updateRouter } from '../../shared/routing/router/router.ts'
import type { Route, TableDelta } from '../../shared/routing/table.ts'
import type { Breakers } from '../upstream/circuit-breaker.ts'
import type { EndpointPools } from '../upstream/endpoint-pools.ts'
import type { HealthChecks } from '../upstream/health-checks.ts'
import { LiveUpstream } from '../upstream/live-upstream.ts'
import { HostPolicies } from './host-policies.ts'
import { buildRoute, type LiveRoute, type RouteBuilder } from './live-route.ts'

/** What the routes of a worker share. */
export interface RouteSetParts {
  readonly pools: EndpointPools
  readonly checks: HealthChecks
  readonly breakers: Breakers
  readonly random: () => number
  readonly builder: SharedBuilder
}

type SharedBuilder = Omit<RouteBuilder, 'upstream' | 'breaker' | 'check'>

/** The compiled routes and the upstreams of one worker. */
export class RouteSet {
  readonly #parts: RouteSetParts
  readonly #upstreams = new Map<string, LiveUpstream>()
  readonly #byHost = new Map<string, readonly LiveRoute[]>()
  /** What hosts ask of connections. */
  readonly policies = new HostPolicies((host) => this.#byHost.has(host))
  /** What each route has to give back when it goes. */
  readonly #uses = new Map<LiveRoute, Uses>()
  /** Serves what no other route does. */
  fallback: LiveRoute | undefined

  constructor(parts: RouteSetParts) {
    this.#parts = parts
  }

  /** Applies a delta and returns the router that takes the place of `router`. */
  apply(router: Router<LiveRoute>, delta: TableDelta): Router<LiveRoute> {
    for (const [key, upstream] of delta.upstreams) {
      this.upstream(key).update(upstream, this.#parts.pools)
    }
    const rules = new Map<string, readonly Rule<LiveRoute>[]>()
    for (const [host, routes] of delta.hosts) rules.set(host, this.#replaceHost(host, routes))
    if (delta.fallback !== undefined) this.#replaceFallback(delta.fallback.route)
    this.#forgetUnused(delta.upstreams.keys())
    return rules.size === 0 ? router : updateRouter(router, rules, compileRegex)
  }

  #replaceHost(host: string, routes: readonly Route[]): readonly Rule<LiveRoute>[] {
    const before = this.#byHost.get(host) ?? []
    const built = routes.map((route) => this.#build(route))
    for (const live of before) this.#dereference(live)
    if (built.length === 0) this.#byHost.delete(host)
    else this.#byHost.set(host, built)
    this.policies.set(host, built)
    return built.map((value) => ({
      host,
      pathType: value.route.match.pathType,
      path: value.route.match.path,
      conditions: value.route.match.conditions,
      weight: value.route.match.weight,
      value,
    }))
  }

  #replaceFallback(route: Route | undefined): void {
    const before = this.fallback
    this.fallback = route === undefined ? undefined : this.#build(route)
    if (before !== undefined) this.#dereference(before)
  }

  #build(route: Route): LiveRoute {
    const { builder, checks, breakers } = this.#parts
    const upstreams: LiveUpstream[] = []
    const ends: Cancel[] = []
    const live = buildRoute(route, {
      ...builder,
      upstream: (key) => {
        const upstream = this.upstream(key)
        upstream.references += 1
        upstreams.push(upstream)
        return upstream
      },
      breaker: (upstream, rules) => {
        const { breaker, end } = breakers.use(upstream, rules)
        ends.push(end)
        return breaker
      },
      check: (upstream, check) => {
        ends.push(checks.start(upstream, check))
      },
    })
    // Copies are as long as they must be: lists that grew have room for more, and there are many routes.
    if (upstreams.length > 0) {
      this.#uses.set(live, { upstreams: upstreams.slice(), ends: ends.slice() })
    }
    return live
  }

  #dereference(live: LiveRoute): void {
    const uses = this.#uses.get(live)
    if (uses === undefined) return
    this.#uses.delete(live)
    for (const end of uses.ends) end()
    for (const upstream of uses.upstreams) upstream.references -= 1
    this.#forgetUnused(uses.upstreams.map(({ key }) => key))
  }

  /** Finds an upstream; one that the table does not have (yet) has no endpoints and answers 503. */
  upstream(key: string): LiveUpstream {
    let upstream = this.#upstreams.get(key)
    if (upstream === undefined) {
      upstream = new LiveUpstream(key, this.#parts.random)
      this.#upstreams.set(key, upstream)
    }
    return upstream
  }

  #forgetUnused(keys: Iterable<string>): void {
    for (const key of keys) {
      const upstream = this.#upstreams.get(key)
      if (upstream !== undefined && !upstream.isKnown && upstream.references === 0) {
        this.#upstreams.delete(key)
      }
    }
  }
}

interface Uses {
  readonly upstreams: readonly LiveUpstream[]
  readonly ends: readonly Cancel[]
}

/** A pattern that RE2 cannot take was reported when it was translated; here it matches nothing. */
function compileRegex(text: string): PathPattern {
  const result = compilePattern(text)
  return result.ok ? { matches: result.pattern.test } : { matches: () => false }
}
