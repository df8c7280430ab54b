// Is a tree well formed? Walks all of it and names every broken invariant; used by tests after each build.
import { childrenAt, exactAt, labelAt, numberAt, prefixAt, type Tree } from '../tree.ts'

/** What a walk over the tree has found. */
export interface TreeReport {
  readonly problems: readonly string[]
  /** Every rule's number and the path that leads to it. */
  readonly rules: ReadonlyMap<number, string>
}

/** Checks that the tree is compressed, ordered, without gaps, and lists the rules that it holds. */
export function checkTree(tree: Tree): TreeReport {
  const problems: string[] = []
  const rules = new Map<number, string>()
  let end = 0

  function addRules(numbers: readonly number[], path: string): void {
    for (const rule of numbers) {
      if (rules.has(rule)) problems.push(`rule ${rule} is there twice`)
      rules.set(rule, path)
    }
  }

  function visit(node: number, before: string): void {
    // Nodes follow each other, so that even a broken tree is walked once.
    if (node !== end || node >= tree.length) {
      problems.push(`node ${node} does not begin at ${end}, where the one before ends`)
      return
    }
    const label = tree.slice(node + labelAt, node + labelAt + tree.charCodeAt(node))
    const path = before + label
    const count = tree.charCodeAt(node + childrenAt)
    const firstCodes = node + labelAt + label.length
    end = firstCodes + 3 * count
    const own = [numberAt(tree, node + prefixAt), numberAt(tree, node + exactAt)].filter(
      (n) => n > 0,
    )
    if ((label === '') !== (node === 0)) problems.push(`node ${node} has the label ${label}`)
    if (node !== 0 && own.length === 0 && count < 2) problems.push(`node ${node} is not compressed`)
    addRules(own, path)
    for (let i = 0; i < count; i += 1) {
      const code = tree.charCodeAt(firstCodes + i)
      const child = numberAt(tree, firstCodes + count + 2 * i)
      if (i > 0 && code <= tree.charCodeAt(firstCodes + i - 1)) {
        problems.push(`the children of node ${node} are not in order`)
      }
      if (tree.charCodeAt(child + labelAt) !== code) {
        problems.push(`child ${child} of node ${node} begins with another code`)
      }
      visit(child, path)
    }
  }

  visit(0, '')
  if (end !== tree.length) problems.push(`the tree ends at ${end}, its codes at ${tree.length}`)
  return { problems, rules }
}
