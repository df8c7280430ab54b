// Which metrics does a query read, and what is left of it without its thresholds? As much of PromQL as that needs.

/** What a query reads: a metric, with its matchers if there are any. */
export interface Selector {
  readonly metric: string
  readonly text: string
}

const token =
  /"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]|[a-zA-Z_:][\w:]*|\d[\w.]*|==|!=|<=|>=|[<>]|[^\s]/g
const takesLabels = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
// An aggregation may name its labels first: sum by (x) (…).
const beforeArguments = new Set(['(', 'by', 'without'])
const words = new Set(['and', 'or', 'unless', 'bool', 'offset'])
const comparisons = new Set(['==', '!=', '<', '<=', '>', '>='])

/** Lists what a query reads. */
export function selectorsOf(expr: string): Selector[] {
  const tokens: readonly string[] = expr.match(token) ?? []
  const selectors: Selector[] = []
  for (let at = 0; at < tokens.length; at += 1) {
    const word = tokens[at] ?? ''
    const next = tokens[at + 1] ?? ''
    if (takesLabels.has(word)) {
      if (next === '(') at = tokens.indexOf(')', at)
    } else if (/^[a-zA-Z_:]/.test(word) && !words.has(word) && !beforeArguments.has(next)) {
      selectors.push({ metric: word, text: next.startsWith('{') ? word + next : word })
    }
  }
  return selectors
}

/** Gives a query that has a result whenever its metrics exist and their labels fit together, beyond a threshold or not. */
export function withoutThresholds(expr: string): string {
  return (expr.match(token) ?? [])
    .map((text) => {
      if (comparisons.has(text)) return `${text} bool`
      return text === 'absent' ? 'count' : text
    })
    .join(' ')
}
