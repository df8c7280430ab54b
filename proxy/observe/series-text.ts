// How is one series written in Prometheus's text format?
import type { Family } from './families.ts'

/** Writes the lines of a series; `values` are as in SlotsMessage, `labels` as `labelText` writes them. */
export function seriesText(family: Family, labels: string, values: Float64Array): string {
  const braces = labels === '' ? '' : `{${labels}}`
  if (family.kind !== 'histogram') return `${family.name}${braces} ${values[0]}\n`

  const { name, bounds } = family
  const bucket = labels === '' ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`
  let text = ''
  let count = 0
  // Slots hold each bucket's own count; Prometheus wants how many are at most `le`.
  for (const [i, bound] of bounds.entries()) {
    count += values[i] ?? 0
    text += `${bucket}${bound}"} ${count}\n`
  }
  count += values[bounds.length] ?? 0
  return `${text}${bucket}+Inf"} ${count}\n${name}_sum${braces} ${values[bounds.length + 1]}\n${name}_count${braces} ${count}\n`
}

/** Writes labels as `a="1",b="2"`; empty for none. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`)
    .join(',')
}

function escapeLabel(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

/** Escapes a help text. */
export function helpText(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
