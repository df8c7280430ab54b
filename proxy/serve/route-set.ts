// How does a worker keep its compiled routes and upstreams in step with the table?
//
// Invariant: routes of hosts that did not change, and upstreams with their connections and health, live on as they are.

import { compilePattern } from '../../shared/routing/pattern.ts'
import type { PathPattern, Rule } from '../../shared/routing/router/host-rules.ts'
import { type Router, updateRouter } from '../../shared/routing/router/router.ts'
import type { Route, TableDelta } from '../../shared/routing/table.ts'
import type { EndpointPools } from '../upstream/endpoint-pools.ts'
import { LiveUpstream } from '../upstream/live-upstream.ts'
import { buildRoute, type LiveRoute, type RouteBuilder } from './live-route.ts'

/** The compiled routes and the upstreams of one worker. */
export class RouteSet {
  readonly #pools: EndpointPools
  readonly #builder: Omit<RouteBuilder, 'upstream'>
  readonly #random: () => number
  readonly #upstreams = new Map<string, LiveUpstream>()
  readonly #byHost = new Map<string, readonly LiveRoute[]>()
  /** The upstreams that each route counts as a user of. */
  readonly #uses = new Map<LiveRoute, readonly LiveUpstream[]>()
  /** Serves what no other route does. */
  fallback: LiveRoute | undefined

  constructor(pools: EndpointPools, random: () => number, builder: Omit<RouteBuilder, 'upstream'>) {
    this.#pools = pools
    this.#builder = builder
    this.#random = random
  }

  /** Applies a delta and returns the router that takes the place of `router`. */
  apply(router: Router<LiveRoute>, delta: TableDelta): Router<LiveRoute> {
    for (const [key, upstream] of delta.upstreams) {
      this.upstream(key).update(upstream, this.#pools)
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
    return built.map((value) => ({
      host,
      pathType: value.route.match.pathType,
      path: value.route.match.path,
      conditions: value.route.match.conditions,
      value,
    }))
  }

  #replaceFallback(route: Route | undefined): void {
    const before = this.fallback
    this.fallback = route === undefined ? undefined : this.#build(route)
    if (before !== undefined) this.#dereference(before)
  }

  #build(route: Route): LiveRoute {
    const uses: LiveUpstream[] = []
    const live = buildRoute(route, {
      ...this.#builder,
      upstream: (key) => {
        const upstream = this.upstream(key)
        upstream.references += 1
        uses.push(upstream)
        return upstream
      },
    })
    if (uses.length > 0) this.#uses.set(live, uses)
    return live
  }

  #dereference(live: LiveRoute): void {
    const uses = this.#uses.get(live) ?? []
    this.#uses.delete(live)
    for (const upstream of uses) upstream.references -= 1
    this.#forgetUnused(uses.map(({ key }) => key))
  }

  /** Finds an upstream; one that the table does not have (yet) has no endpoints and answers 503. */
  upstream(key: string): LiveUpstream {
    let upstream = this.#upstreams.get(key)
    if (upstream === undefined) {
      upstream = new LiveUpstream(key, this.#random)
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

/** A pattern that RE2 cannot take was reported when it was translated; here it matches nothing. */
function compileRegex(text: string): PathPattern {
  const result = compilePattern(text)
  return result.ok ? { matches: result.pattern.test } : { matches: () => false }
}
