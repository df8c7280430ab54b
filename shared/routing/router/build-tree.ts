// How does a host's tree come from its rules? First as linked nodes, which are easy to split, then as one string of codes.
import { childrenAt, exactAt, labelAt, prefixAt, type Tree } from './tree.ts'

/** What the tree needs to know of a rule: a literal path, or the first segments of one. */
export interface PathRule {
  readonly pathType: 'Exact' | 'Prefix'
  readonly path: string
}

interface Node {
  label: string
  prefix: number
  exact: number
  readonly children: Map<number, Node>
}

/** Builds the tree in which findRule gives a rule's index in `rules` plus one. Of rules that mean the same the first stays. */
export function buildTree(rules: readonly PathRule[]): Tree {
  const root = createNode('')
  for (const [index, { pathType, path }] of rules.entries()) {
    const node = insert(root, pathType === 'Exact' ? path : withoutSlash(path))
    if (pathType === 'Exact') node.exact ||= index + 1
    else node.prefix ||= index + 1
  }
  const codes = new Uint16Array(sizeOf(root))
  write(codes, root, 0)
  return Buffer.from(codes.buffer).toString('utf16le')
}

/** `/foo/` and `/foo` are the same segments (Ingress v1: a trailing slash of a prefix is ignored). */
export function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}

function createNode(label: string): Node {
  return { label, prefix: 0, exact: 0, children: new Map() }
}

/** Finds or makes the node that `key` leads to. */
function insert(root: Node, key: string): Node {
  let node = root
  let rest = key
  while (rest !== '') {
    const code = rest.charCodeAt(0)
    const child = node.children.get(code)
    if (child === undefined) {
      const leaf = createNode(rest)
      node.children.set(code, leaf)
      return leaf
    }
    const common = commonLength(child.label, rest)
    const next = common === child.label.length ? child : split(child, common)
    node.children.set(code, next)
    node = next
    rest = rest.slice(common)
  }
  return node
}

/** Cuts a node in two: the upper one keeps the first `length` characters, the lower one the rest and the rules. */
function split(lower: Node, length: number): Node {
  const upper = createNode(lower.label.slice(0, length))
  lower.label = lower.label.slice(length)
  upper.children.set(lower.label.charCodeAt(0), lower)
  return upper
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

function ownSize(node: Node): number {
  return labelAt + node.label.length + 3 * node.children.size
}

function sizeOf(node: Node): number {
  let size = ownSize(node)
  for (const child of node.children.values()) size += sizeOf(child)
  return size
}

/** Writes `node` and what is below it at `start`; returns where the next free place is. */
function write(codes: Uint16Array, node: Node, start: number): number {
  const { label, prefix, exact } = node
  const children = [...node.children].sort(([a], [b]) => a - b)
  codes[start] = label.length
  writeNumber(codes, start + prefixAt, prefix)
  writeNumber(codes, start + exactAt, exact)
  codes[start + childrenAt] = children.length
  for (let i = 0; i < label.length; i += 1) codes[start + labelAt + i] = label.charCodeAt(i)
  const firstCodes = start + labelAt + label.length
  const nodes = firstCodes + children.length
  let next = start + ownSize(node)
  for (const [index, [code, child]] of children.entries()) {
    codes[firstCodes + index] = code
    writeNumber(codes, nodes + 2 * index, next)
    next = write(codes, child, next)
  }
  return next
}

function writeNumber(codes: Uint16Array, at: number, value: number): void {
  codes[at] = value >>> 16
  codes[at + 1] = value & 0xffff
}
