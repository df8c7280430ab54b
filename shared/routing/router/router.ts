// Which route serves a host and a path? An immutable table: a change makes a new one, in which unchanged hosts keep their rules.
// Invariant: an exact host beats a wildcard (`*.a.test`: exactly one label), a wildcard beats the rules without a host;
// a host that has rules never falls through to others when none of its paths fit, or none of its conditions hold.
// Rules for every host are another matter: they are asked beside those that are found for a host (every-host.ts).
import { everyHost } from '../table.ts'
import { selectBeside } from './every-host.ts'
import { emptyHostMap, getHost, type HostMap, withHosts } from './host-map.ts'
import {
  buildHost,
  type CompileRegex,
  type HostRules,
  type PathPattern,
  type Rule,
  selectCandidate,
} from './host-rules.ts'
import { findRule } from './tree.ts'

/** Every rule of every host. */
export interface Router<T> {
  readonly hosts: HostMap<HostRules<T>>
  /** By what follows `*.`. */
  readonly wildcards: HostMap<HostRules<T>>
  /** The rules without a host. */
  readonly anyHost: HostRules<T> | undefined
  /** The rules for every host; nearly always there are none. */
  readonly everyHost: HostRules<T> | undefined
}

/** Makes a router without rules. */
export function emptyRouter<T>(): Router<T> {
  return {
    hosts: emptyHostMap(),
    wildcards: emptyHostMap(),
    anyHost: undefined,
    everyHost: undefined,
  }
}

/** Makes the router in which each host of `hosts` has exactly the rules given; an empty list removes the host. */
export function updateRouter<T>(
  router: Router<T>,
  hosts: ReadonlyMap<string, readonly Rule<T>[]>,
  compileRegex: CompileRegex = refuseRegex,
): Router<T> {
  const exact: [string, HostRules<T> | undefined][] = []
  const wildcards: [string, HostRules<T> | undefined][] = []
  let { anyHost, everyHost: every } = router
  for (const [host, rules] of hosts) {
    const built =
      rules.length === 0
        ? undefined
        : buildHost(rules, compileRegex, host === '' || host === everyHost)
    if (host === '') anyHost = built
    else if (host === everyHost) every = built
    else if (host.startsWith('*.')) wildcards.push([host.slice(2), built])
    else exact.push([host, built])
  }
  return {
    hosts: exact.length === 0 ? router.hosts : withHosts(router.hosts, exact),
    wildcards: wildcards.length === 0 ? router.wildcards : withHosts(router.wildcards, wildcards),
    anyHost,
    everyHost: every,
  }
}

/**
 * Finds the value for a host (lower case, without port and trailing dot) and a normalised path: the first that `holds`, which
 * is asked only for hosts with conditions or patterns, and must be true for a value without conditions.
 */
export function selectRoute<T>(
  router: Router<T>,
  host: string,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  const named = getHost(router.hosts, host) ?? findWildcard(router, host)
  const rules = named ?? router.anyHost
  if (router.everyHost !== undefined) {
    if (rules !== undefined)
      return selectBeside(rules, named !== undefined, router.everyHost, path, holds)
    return selectAmong(router.everyHost, path, holds)
  }
  return rules === undefined ? undefined : selectAmong(rules, path, holds)
}

function selectAmong<T>(
  rules: HostRules<T>,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  const number = findRule(rules.tree, path)
  const { values, candidates } = rules
  if (candidates !== undefined) return selectCandidate(values, candidates, number, path, holds)
  return number === 0 ? undefined : values[number - 1]
}

/** Finds the value that is asked first for a host and a path, whether it holds or not. */
export function findRoute<T>(router: Router<T>, host: string, path: string): T | undefined {
  return selectRoute(router, host, path, always)
}

function always(): boolean {
  return true
}

function findWildcard<T>(router: Router<T>, host: string): HostRules<T> | undefined {
  if (router.wildcards.size === 0) return undefined
  const dot = host.indexOf('.')
  return dot < 1 ? undefined : getHost(router.wildcards, host.slice(dot + 1))
}

function refuseRegex(pattern: string): PathPattern {
  throw new Error(`the rule with the pattern ${pattern} needs a compileRegex`)
}
