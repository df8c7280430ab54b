// How does a worker keep its compiled routes and upstreams in step with the table?
//
// Invariant: routes of hosts that did not change, and upstreams with their connections and health, live on as they are.

import { compilePattern } from '../../shared/routing/pattern.ts'
import {
  type PathPattern,
  type Router,
  type Rule,
  updateRouter,
} from '../../shared/routing/router/router.ts'
import type { Route, TableDelta } from '../../shared/routing/table.ts'
import type { Recorder } from '../observe/recorder.ts'
import type { EndpointPools } from '../upstream/endpoint-pools.ts'
import { LiveUpstream } from '../upstream/live-upstream.ts'
import { buildRoute, type LiveRoute } from './live-route.ts'

/** The compiled routes and the upstreams of one worker. */
export class RouteSet {
  readonly #pools: EndpointPools
  readonly #recorder: Recorder
  readonly #random: () => number
  readonly #upstreams = new Map<string, LiveUpstream>()
  readonly #byHost = new Map<string, readonly LiveRoute[]>()
  /** Serves what no other route does. */
  fallback: LiveRoute | undefined

  constructor(pools: EndpointPools, recorder: Recorder, random: () => number) {
    this.#pools = pools
    this.#recorder = recorder
    this.#random = random
  }

  /** Applies a delta and returns the router that takes the place of `router`. */
  apply(router: Router<LiveRoute>, delta: TableDelta): Router<LiveRoute> {
    for (const [key, upstream] of delta.upstreams) {
      this.#upstream(key).update(upstream, this.#pools)
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
      pathType: value.route.pathType,
      path: value.route.path,
      value,
    }))
  }

  #replaceFallback(route: Route | undefined): void {
    const before = this.fallback
    this.fallback = route === undefined ? undefined : this.#build(route)
    if (before !== undefined) this.#dereference(before)
  }

  #build(route: Route): LiveRoute {
    const upstream = this.#upstream(route.upstream)
    upstream.references += 1
    return buildRoute(route, upstream, this.#recorder)
  }

  #dereference({ upstream }: LiveRoute): void {
    upstream.references -= 1
    this.#forgetUnused([upstream.key])
  }

  /** Finds an upstream; one that the table does not have (yet) has no endpoints and answers 503. */
  #upstream(key: string): LiveUpstream {
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
