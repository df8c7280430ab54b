// Which rules of a host with patterns mean a path, the most specific first? A tree by whole segments, for hosts that have
// patterns: their paths cannot lie in the tree of literal ones (tree.ts).
//
//   /x/lit  /x/:id  /x/*rest      "x" ─┬ "lit"  exact
//                                      ├ :      exact      each node: texts, any one, what takes the rest
//                                      └ *      rest
//
// Invariant: rules come in the order of path-kinds.ts; at one place in the order in which they were given.
// Invariant: a lookup visits each node once at most: a request costs no more than the host has segments of patterns.
import type { PathType } from '../table.ts'
import { withoutSlash } from './build-tree.ts'
import { isRest, isSingle, segmentsOf } from './path-kinds.ts'

/** What the tree needs to know of a rule. */
export interface SegmentRule {
  readonly number: number
  readonly pathType: PathType
  readonly path: string
}

/** A node: what follows it, and the numbers of the rules that end here. */
export interface SegmentNode {
  readonly texts: Map<string, SegmentNode>
  single: SegmentNode | undefined
  readonly exact: number[]
  readonly rest: { readonly number: number; readonly isBelowOnly: boolean }[]
}

/** Builds the tree. Others than Exact, Prefix and patterns have no place in it. */
export function buildSegmentTree(rules: readonly SegmentRule[]): SegmentNode {
  const root = createNode()
  for (const rule of rules) insert(root, rule)
  return root
}

function insert(root: SegmentNode, { number, pathType, path }: SegmentRule): void {
  if (pathType === 'Any' || pathType === 'Regex') return
  const isSubtree = pathType === 'Prefix' || pathType === 'PatternPrefix'
  const isPattern = pathType === 'Pattern' || pathType === 'PatternPrefix'
  let node = root
  for (const segment of segmentsOf(isSubtree ? withoutSlash(path) : path)) {
    if (isPattern && isRest(segment)) {
      node.rest.push({ number, isBelowOnly: !isSubtree })
      return
    }
    node = isPattern && isSingle(segment) ? singleOf(node) : textOf(node, segment)
  }
  if (isSubtree) node.rest.push({ number, isBelowOnly: false })
  else node.exact.push(number)
}

function createNode(): SegmentNode {
  return { texts: new Map(), single: undefined, exact: [], rest: [] }
}

function singleOf(node: SegmentNode): SegmentNode {
  node.single ??= createNode()
  return node.single
}

function textOf(node: SegmentNode, segment: string): SegmentNode {
  const known = node.texts.get(segment)
  if (known !== undefined) return known
  const child = createNode()
  node.texts.set(segment, child)
  return child
}

/** Gives the numbers of all rules that mean a path, in the order in which they are asked. */
export function rulesInOrder(root: SegmentNode, path: string): readonly number[] {
  const found: number[] = []
  walk(root, segmentsOf(path), 0, found)
  return found
}

function walk(node: SegmentNode, segments: readonly string[], at: number, found: number[]): void {
  const segment = segments[at]
  if (segment === undefined) {
    found.push(...node.exact)
    for (const { number, isBelowOnly } of node.rest) if (!isBelowOnly) found.push(number)
    return
  }
  const text = node.texts.get(segment)
  if (text !== undefined) walk(text, segments, at + 1, found)
  // A slash at the end is followed by no segment.
  const isNothing = segment === '' && at === segments.length - 1
  if (segment !== '' && node.single !== undefined) walk(node.single, segments, at + 1, found)
  for (const { number, isBelowOnly } of node.rest) {
    if (!isBelowOnly || !isNothing) found.push(number)
  }
}
