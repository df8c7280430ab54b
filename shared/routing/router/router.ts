// Which route serves a host and a path? An immutable table: a change makes a new one, in which unchanged hosts keep their tree.
// Invariant: an exact host beats a wildcard (`*.a.test`: exactly one label), a wildcard beats the rules without a host;
// a host that has rules never falls through to others when none of its paths fit.
// Invariant: within a host Exact beats the rest, then the longest path wins; Prefix means whole segments, case counts.
import type { PathType } from '../table.ts'
import { buildTree, type PathRule } from './build-tree.ts'
import { emptyHostMap, getHost, type HostMap, withHosts } from './host-map.ts'
import { findRule, type Tree } from './tree.ts'

/** One rule: requests for `host` and `path` belong to `value`. Host and path are written as in a Route. */
export interface Rule<T> {
  readonly host: string
  readonly pathType: PathType
  readonly path: string
  readonly value: T
}

/** A compiled pattern of a Regex rule. */
export interface PathPattern {
  matches(path: string): boolean
}

/** Compiles a pattern, anchored at the start, case-insensitive, on an engine without backtracking. Must not throw. */
export type CompileRegex = (pattern: string) => PathPattern

interface RegexRule<T> {
  readonly path: string
  readonly pattern: PathPattern
  readonly value: T
}

/** The rules of one host, ready for lookups. */
export interface HostTree<T> {
  readonly tree: Tree
  /** Rule number n of the tree has the value n - 1. */
  readonly values: readonly T[]
  /** Only hosts with Regex rules have these and pay for them; the longest path comes first. */
  readonly regexes: readonly RegexRule<T>[] | undefined
  /** Of a host with Regex rules: what the values of the tree come from. */
  readonly literals: readonly PathRule[]
}

/** Every rule of every host. */
export interface Router<T> {
  readonly hosts: HostMap<HostTree<T>>
  /** By what follows `*.`. */
  readonly wildcards: HostMap<HostTree<T>>
  /** The rules without a host. */
  readonly anyHost: HostTree<T> | undefined
}

/** Makes a router without rules. */
export function emptyRouter<T>(): Router<T> {
  return { hosts: emptyHostMap(), wildcards: emptyHostMap(), anyHost: undefined }
}

/** Makes the router in which each host of `hosts` has exactly the rules given; an empty list removes the host. */
export function updateRouter<T>(
  router: Router<T>,
  hosts: ReadonlyMap<string, readonly Rule<T>[]>,
  compileRegex: CompileRegex = refuseRegex,
): Router<T> {
  const exact: [string, HostTree<T> | undefined][] = []
  const wildcards: [string, HostTree<T> | undefined][] = []
  let { anyHost } = router
  for (const [host, rules] of hosts) {
    const tree = rules.length === 0 ? undefined : buildHost(rules, compileRegex)
    if (host === '') anyHost = tree
    else if (host.startsWith('*.')) wildcards.push([host.slice(2), tree])
    else exact.push([host, tree])
  }
  return {
    hosts: exact.length === 0 ? router.hosts : withHosts(router.hosts, exact),
    wildcards: wildcards.length === 0 ? router.wildcards : withHosts(router.wildcards, wildcards),
    anyHost,
  }
}

/** Finds the value for a host (lower case, without port and trailing dot) and a normalised path. */
export function findRoute<T>(router: Router<T>, host: string, path: string): T | undefined {
  const found = getHost(router.hosts, host) ?? findWildcard(router, host) ?? router.anyHost
  if (found === undefined) return undefined
  const number = findRule(found.tree, path)
  if (found.regexes !== undefined) return findWithRegexes(found, found.regexes, number, path)
  return number === 0 ? undefined : found.values[number - 1]
}

function findWildcard<T>(router: Router<T>, host: string): HostTree<T> | undefined {
  if (router.wildcards.size === 0) return undefined
  const dot = host.indexOf('.')
  return dot < 1 ? undefined : getHost(router.wildcards, host.slice(dot + 1))
}

/** The order of nginx: Exact first, then prefixes and patterns together, the longer path first; `number` is the tree's finding. */
function findWithRegexes<T>(
  host: HostTree<T>,
  regexes: readonly RegexRule<T>[],
  number: number,
  path: string,
): T | undefined {
  const literal = host.literals[number - 1]
  if (literal?.pathType !== 'Exact') {
    // A pattern costs time linear in the path: all of them, once, is the bound.
    for (const { path: pattern, pattern: compiled, value } of regexes) {
      if (literal !== undefined && byLength(literal.path, pattern) <= 0) break
      if (compiled.matches(path)) return value
    }
  }
  return host.values[number - 1]
}

function buildHost<T>(rules: readonly Rule<T>[], compileRegex: CompileRegex): HostTree<T> {
  const literals: (PathRule & { readonly value: T })[] = []
  const regexes: RegexRule<T>[] = []
  for (const { pathType, path, value } of rules) {
    if (pathType === 'Regex') regexes.push({ path, pattern: compileRegex(path), value })
    else literals.push({ pathType, path, value })
  }
  // The longer one first: of `/foo` and `/foo/`, which are the same prefix, the tree keeps the first.
  literals.sort((a, b) => byLength(a.path, b.path))
  regexes.sort((a, b) => byLength(a.path, b.path))
  const hasRegexes = regexes.length > 0
  return {
    tree: buildTree(literals),
    values: literals.map(({ value }) => value),
    regexes: hasRegexes ? regexes : undefined,
    literals: hasRegexes ? literals : [],
  }
}

/** Orders longer paths first, equally long ones in descending order, as ingress-nginx sorts its locations. */
function byLength(a: string, b: string): number {
  if (a.length !== b.length) return b.length - a.length
  return a === b ? 0 : a < b ? 1 : -1
}

function refuseRegex(pattern: string): PathPattern {
  throw new Error(`the rule with the pattern ${pattern} needs a compileRegex`)
}
