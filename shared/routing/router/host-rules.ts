// Which rule of one host serves a path? The tree finds the first candidate; nearly always it is the only one asked.
//
//   Exact /a [cond] ─► Exact /a ─► Prefix /a [cond] ─► Prefix /a ─► Prefix /          (patterns join in by their length)
//
// Rules at one path differ in their conditions. When those of a candidate fail, the next at the same path is asked, the more
// specific first (../conditions/specificity.ts), then those of the next shorter path, at last those without a path. Who comes
// next is known when the rules are built: for literal rules it does not depend on the request. A host with patterns of segments
// has a tree of segments beside it, and asks what that one finds.
// Invariant: within a host Exact beats the rest, then the longest path wins; Prefix means whole segments, case counts.
// Invariant: a request asks each candidate, and each pattern, once at most.
import { compareSpecificity, type Terms } from '../conditions/specificity.ts'
import type { PathType } from '../table.ts'
import { buildTree, type PathRule, withoutSlash } from './build-tree.ts'
import { pathKinds } from './path-kinds.ts'
import { buildSegmentTree, rulesInOrder, type SegmentNode } from './segment-tree.ts'
import { findRule, type Tree } from './tree.ts'

/**
 * One rule: requests for `host` and `path` that meet the conditions belong to `value`. Host and path are written as in a Route.
 * Its terms are for the order among rules at one path; whether conditions hold is the value's own affair.
 */
export interface Rule<T> extends Terms {
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

/** The rules of one host, ready for lookups. */
export interface HostRules<T> {
  readonly tree: Tree
  /** Rule number n of the tree has the value n - 1. */
  readonly values: readonly T[]
  /** Only hosts with patterns, conditions or routes without a path have these and pay for them. */
  readonly candidates: Candidates<T> | undefined
  /** How each rule stands to rules of every host; only where some may have to be compared with those. */
  readonly ranks: readonly Rank[] | undefined
}

/** How a rule of one host stands to those of another that mean the same request. */
export interface Rank {
  /** As path-kinds.ts gives them. */
  readonly kinds: string
  /** Undefined: its order is that of its host alone. */
  readonly weight: number | undefined
}

interface Candidates<T> {
  /** What the values of the tree come from; those without a path come last. */
  readonly literals: readonly Located[]
  /** At n - 1: the number of the literal rule that is asked after rule n; 0 is none. */
  readonly next: Uint32Array
  /** The number of the first rule without a path; 0: there is none. */
  readonly pathless: number
  /** Finds rules where some are patterns of segments; undefined: none is. */
  readonly segments: SegmentNode | undefined
  /** The longest path first. */
  readonly patterns: readonly PatternRules<T>[]
}

/** Where a rule is. */
type Located = Pick<Rule<unknown>, 'pathType' | 'path'>

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
  candidates: Candidates<T>,
  first: number,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  const { literals, next, pathless, segments, patterns } = candidates
  if (segments !== undefined) return selectListed(values, candidates, path, holds)
  let number = first || pathless
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

/** The same where patterns of segments are among the rules: those that mean the path are listed first. */
function selectListed<T>(
  values: readonly T[],
  candidates: Candidates<T>,
  path: string,
  holds: (value: T) => boolean,
): T | undefined {
  const numbers = listNumbers(candidates, 0, path)
  for (const { value } of joinPatterns({ values, candidates, ranks: undefined }, numbers, path)) {
    if (holds(value)) return value
  }
  return undefined
}

/** The numbers of all literal rules and patterns of segments that mean a path, in the order in which they are asked. */
function listNumbers<T>(
  { next, pathless, segments }: Candidates<T>,
  first: number,
  path: string,
): readonly number[] {
  const numbers = segments === undefined ? [] : [...rulesInOrder(segments, path)]
  let number = segments === undefined ? first || pathless : pathless
  for (; number !== 0; number = next[number - 1] ?? 0) numbers.push(number)
  return numbers
}

/** What `rules` have for a path, in the order in which it is asked, each with its rank. */
export function listCandidates<T>(rules: HostRules<T>, path: string): Iterable<Ranked<T>> {
  const { tree, candidates } = rules
  const first = findRule(tree, path)
  const numbers =
    candidates !== undefined ? listNumbers(candidates, first, path) : first === 0 ? [] : [first]
  return joinPatterns(rules, numbers, path)
}

/** A value, and how it compares with those of every host; undefined: it goes behind. */
interface Ranked<T> {
  readonly value: T
  readonly rank: Rank | undefined
}

/** Those of the numbers, with the patterns that match among them by their length: each stands where the next number does. */
function* joinPatterns<T>(
  { values, candidates, ranks = [] }: Pick<HostRules<T>, 'values' | 'candidates' | 'ranks'>,
  numbers: readonly number[],
  path: string,
): Iterable<Ranked<T>> {
  const { literals, patterns } = candidates ?? { literals: [], patterns: [] }
  let index = 0
  for (const number of numbers) {
    const rank = ranks[number - 1]
    for (
      let rules = patterns[index];
      rules !== undefined && !goesBefore(literals[number - 1], rules);
      rules = patterns[index]
    ) {
      yield* matching(rules, path, rank && { ...rank, weight: undefined })
      index += 1
    }
    const value = values[number - 1]
    if (value !== undefined) yield { value, rank }
  }
  for (const rules of patterns.slice(index)) yield* matching(rules, path, undefined)
}

function matching<T>(
  { pattern, values }: PatternRules<T>,
  path: string,
  rank: Rank | undefined,
): readonly Ranked<T>[] {
  return pattern.matches(path) ? values.map((value) => ({ value, rank })) : []
}

function goesBefore<T>(literal: Located | undefined, rules: PatternRules<T> | undefined): boolean {
  if (rules === undefined || literal === undefined) return true
  return literal.pathType === 'Exact' || byLength(literal.path, rules.path) <= 0
}

/** Builds the rules of one host. `isRanked`: they are compared with those of every host, whatever they say themselves. */
export function buildHost<T>(
  rules: readonly Rule<T>[],
  compileRegex: CompileRegex,
  isRanked = false,
): HostRules<T> {
  const literals: Rule<T>[] = []
  const patterns: Rule<T>[] = []
  const given = rules.map(withoutPath)
  for (const rule of given.toSorted(compareRules)) {
    if (rule.pathType === 'Regex') patterns.push(rule)
    else literals.push(rule)
  }
  const inTree = literals.filter(isInTree)
  const tree = buildTree(inTree)
  const isPlain =
    patterns.length === 0 && inTree.length === literals.length && !rules.some(hasConditions)
  return {
    tree,
    values: literals.map(({ value }) => value),
    candidates: isPlain
      ? undefined
      : {
          ...linkCandidates(tree, literals),
          segments: literals.some(isOfSegments) ? segmentsOf(given, literals) : undefined,
          patterns: groupPatterns(patterns, compileRegex),
        },
    ranks: isRanked || rules.some(isWeighed) ? literals.map(rankOf) : undefined,
  }
}

/** Of `/foo` and `/foo/`, which are the same prefix, the longer one is first; what means the same keeps the order given. */
function compareRules<T>(a: Rule<T>, b: Rule<T>): number {
  // The numbers of the tree are those of the list: what is not in the tree comes behind.
  if (isInTree(a) !== isInTree(b)) return isInTree(a) ? -1 : 1
  return byLength(a.path, b.path) || compareSpecificity(a, b)
}

/** A rule without a path gives way to those with the shortest. */
function withoutPath<T>(rule: Rule<T>): Rule<T> {
  return rule.pathType === 'Any' ? { ...rule, path: '' } : rule
}

function isInTree<T>(rule: Rule<T>): rule is Rule<T> & PathRule {
  return rule.pathType === 'Exact' || rule.pathType === 'Prefix'
}

function isWeighed({ weight }: Terms): boolean {
  return weight !== undefined
}

function rankOf<T>({ pathType, path, weight }: Rule<T>): Rank {
  return { kinds: pathKinds(pathType, path), weight }
}

function linkCandidates<T>(
  tree: Tree,
  literals: readonly Rule<T>[],
): Pick<Candidates<T>, 'literals' | 'next' | 'pathless'> {
  const pathless = literals.findIndex(({ pathType }) => pathType === 'Any') + 1
  return {
    literals: literals.map(({ pathType, path }) => ({ pathType, path })),
    next: linkRules(tree, literals, pathless),
    pathless,
  }
}

/** At one place there may be several texts: what is as specific there keeps the order given. */
function segmentsOf<T>(given: readonly Rule<T>[], literals: readonly Rule<T>[]): SegmentNode {
  const numbers = new Map(literals.map((rule, index) => [rule, index + 1]))
  return buildSegmentTree(
    given
      .toSorted(compareSpecificity)
      .map((rule) => ({ ...rule, number: numbers.get(rule) ?? 0 }))
      .filter(({ number }) => number !== 0),
  )
}

function isOfSegments({ pathType }: Located): boolean {
  return pathType === 'Pattern' || pathType === 'PatternPrefix'
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

function hasConditions({ conditions = [] }: Terms): boolean {
  return conditions.length > 0
}

/** Finds who is asked after each rule; `literals` are in the order in which rules of one place are asked. */
function linkRules(tree: Tree, literals: readonly Located[], pathless: number): Uint32Array {
  const next = new Uint32Array(literals.length)
  const lastOf = new Map<string, number>()
  for (const [index, { pathType, path }] of literals.entries()) {
    // Patterns of segments are listed, and the rest of their list is the same.
    if (isOfSegments({ pathType, path })) continue
    const place = placeOf(pathType, path)
    const last = lastOf.get(place)
    if (last !== undefined) next[last - 1] = index + 1
    lastOf.set(place, index + 1)
  }
  for (const [place, last] of lastOf) {
    if (place !== anyPlace) next[last - 1] = findShorter(tree, place) || pathless
  }
  return next
}

const anyPlace = '*'

function placeOf(pathType: PathType, path: string): string {
  if (pathType === 'Any') return anyPlace
  return pathType === 'Exact' ? `=${path}` : withoutSlash(path)
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
