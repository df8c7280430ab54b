// Which rule of one host serves a path? The tree finds the first candidate; nearly always it is the only one asked.
//
//   Exact /a [cond] ─► Exact /a ─► Prefix /a [cond] ─► Prefix /a ─► Prefix /          (patterns join in by their length)
//
// Rules at one path differ in their conditions. When those of a candidate fail, the next at the same path is asked, the more
// specific first (../conditions/specificity.ts), then those of the next shorter path. Who comes next is known when the rules
// are built: for literal rules it does not depend on the request.
// Invariant: within a host Exact beats the rest, then the longest path wins; Prefix means whole segments, case counts.
// Invariant: a request asks each candidate, and each pattern, once at most.
import type { Condition } from '../conditions/condition.ts'
import { compareSpecificity } from '../conditions/specificity.ts'
import type { PathType } from '../table.ts'
import { buildTree, type PathRule, withoutSlash } from './build-tree.ts'
import { findRule, type Tree } from './tree.ts'

/** One rule: requests for `host` and `path` that meet the conditions belong to `value`. Host and path are written as in a Route. */
export interface Rule<T> {
  readonly host: string
  readonly pathType: PathType
  readonly path: string
  /** For the order among rules at one path; whether they hold is the value's own affair. Absent: none. */
  readonly conditions?: readonly Condition[]
  readonly value: T
}

/** A compiled pattern of a Regex rule. */
export interface PathPattern {
  matches(path: string): boolean
}

/** Compiles a pattern, anchored at the start, case-insensitive, on an engine without backtracking. Must not throw. */
export type CompileRegex = (pattern: string) => PathPattern

/** The rules of one host, ready for lookups. */
export interface HostRules<T> {
  readonly tree: Tree
  /** Rule number n of the tree has the value n - 1. */
  readonly values: readonly T[]
  /** Only hosts with patterns or conditions have these and pay for them. */
  readonly candidates: Candidates<T> | undefined
}

interface Candidates<T> {
  /** What the values of the tree come from. */
  readonly literals: readonly PathRule[]
  /** At n - 1: the number of the literal rule that is asked after rule n; 0 is none. */
  readonly next: Uint32Array
  /** The longest path first. */
  readonly patterns: readonly PatternRules<T>[]
}

/** The rules of one pattern, in the order in which they are asked. */
interface PatternRules<T> {
  readonly path: string
  readonly pattern: PathPattern
  readonly values: readonly T[]
}

/**
 * Finds the first value that fits and holds; `first` is what the tree finds for the path. Walks two lists at once, both with
 * the longest path first (the order of nginx's locations); Exact rules are ahead of both.
 */
export function selectCandidate<T>(
  values: readonly T[],
  { literals, next, patterns }: Candidates<T>,
  first: number,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  let number = first
  for (let index = 0; ; index += 1) {
    const rules = patterns[index]
    while (number !== 0 && goesBefore(literals[number - 1], rules)) {
      const value = values[number - 1]
      if (value !== undefined && holds(value)) return value
      number = next[number - 1] ?? 0
    }
    if (rules === undefined) return undefined
    const value = rules.pattern.matches(path) ? rules.values.find(holds) : undefined
    if (value !== undefined) return value
  }
}

function goesBefore<T>(literal: PathRule | undefined, rules: PatternRules<T> | undefined): boolean {
  if (rules === undefined || literal === undefined) return true
  return literal.pathType === 'Exact' || byLength(literal.path, rules.path) <= 0
}

/** Builds the rules of one host. */
export function buildHost<T>(rules: readonly Rule<T>[], compileRegex: CompileRegex): HostRules<T> {
  // Of `/foo` and `/foo/`, which are the same prefix, the longer one is first; what means the same keeps the order given.
  const ordered = rules.toSorted(
    (a, b) =>
      byLength(a.path, b.path) || compareSpecificity(a.conditions ?? [], b.conditions ?? []),
  )
  const literals: (PathRule & { readonly value: T })[] = []
  const patterns: Rule<T>[] = []
  for (const rule of ordered) {
    const { pathType, path, value } = rule
    if (pathType === 'Regex') patterns.push(rule)
    else literals.push({ pathType, path, value })
  }
  const tree = buildTree(literals)
  const isPlain = patterns.length === 0 && !rules.some(hasConditions)
  return {
    tree,
    values: literals.map(({ value }) => value),
    candidates: isPlain
      ? undefined
      : {
          literals,
          next: linkRules(tree, literals),
          patterns: groupPatterns(patterns, compileRegex),
        },
  }
}

/** Compiles each pattern once, whatever number of rules it has. */
function groupPatterns<T>(
  ordered: readonly Rule<T>[],
  compileRegex: CompileRegex,
): readonly PatternRules<T>[] {
  return [...Map.groupBy(ordered, ({ path }) => path)].map(([path, rules]) => ({
    path,
    pattern: compileRegex(path),
    values: rules.map(({ value }) => value),
  }))
}

function hasConditions({ conditions = [] }: Rule<unknown>): boolean {
  return conditions.length > 0
}

/** Finds who is asked after each rule; `literals` are in the order in which rules of one place are asked. */
function linkRules(tree: Tree, literals: readonly PathRule[]): Uint32Array {
  const next = new Uint32Array(literals.length)
  const lastOf = new Map<string, number>()
  for (const [index, { pathType, path }] of literals.entries()) {
    const place = pathType === 'Exact' ? `=${path}` : withoutSlash(path)
    const last = lastOf.get(place)
    if (last !== undefined) next[last - 1] = index + 1
    lastOf.set(place, index + 1)
  }
  for (const [place, last] of lastOf) next[last - 1] = findShorter(tree, place)
  return next
}

/** Finds the first rule of the longest prefix that covers an exact path, or whatever another prefix covers; 0 for none. */
function findShorter(tree: Tree, place: string): number {
  if (place === '') return 0
  const covered = place.startsWith('=') ? place.slice(1) : place.slice(0, place.lastIndexOf('/'))
  // NUL is in no path, so that only prefixes are found: those of `covered` and its whole segments.
  return findRule(tree, `${covered}/\0`)
}

/** Orders longer paths first, equally long ones in descending order, as ingress-nginx sorts its locations. */
function byLength(a: string, b: string): number {
  if (a.length !== b.length) return b.length - a.length
  return a === b ? 0 : a < b ? 1 : -1
}
