// Keeps docs/annotations.md, docs/config-map.md, docs/ingress-nginx.md, docs/metrics.md, docs/skipper-filters.md, docs/skipper-predicates.md, the option
// tables of README.md and the codes in rules.yaml true (`npm run docs`):
// writes each option table between its markers `<!-- options:NAME -->`.
// A new program with options gets its markers in the README and a line in `tables`.
import { readFileSync, writeFileSync } from 'node:fs'
import { controllerOptions } from '../controller/settings-table.ts'
import { proxyOptions } from '../proxy/settings-table.ts'
import { configOption } from '../shared/options.ts'
import { markdownTable } from '../shared/options-help.ts'
import { renderFilters } from '../shared/routing/eskip/filters/document.ts'
import { renderPredicates } from '../shared/routing/eskip/predicates/document.ts'
import { renderAnnotations } from '../shared/routing/ingress/annotations/document.ts'
import { renderConfigMap } from '../shared/routing/ingress/config-map/document.ts'
import { rulesFile, withFailureCodes } from './prometheus/rules.ts'
import { renderDifferences } from './write-differences.ts'
import { renderMetrics } from './write-metrics.ts'

const tables = {
  proxy: { ...proxyOptions, ...configOption },
  controller: { ...controllerOptions, ...configOption },
}

/** Gives the README with its option tables made anew; throws when a marker is missing. */
export function writeTables(readme: string): string {
  let written = readme
  for (const [name, table] of Object.entries(tables)) {
    const [begin, end] = [`<!-- options:${name} -->`, `<!-- /options:${name} -->`]
    const [from, to] = [written.indexOf(begin), written.indexOf(end)]
    if (from === -1 || to < from) throw new Error(`README.md has no markers ${begin} … ${end}`)
    const before = written.slice(0, from + begin.length)
    written = `${before}\n\n${markdownTable(table)}\n\n${written.slice(to)}`
  }
  return written
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/annotations.md', import.meta.url), renderAnnotations())
  writeFileSync(new URL('../docs/skipper-filters.md', import.meta.url), renderFilters())
  writeFileSync(new URL('../docs/skipper-predicates.md', import.meta.url), renderPredicates())
  writeFileSync(new URL('../docs/config-map.md', import.meta.url), renderConfigMap())
  writeFileSync(new URL('../docs/ingress-nginx.md', import.meta.url), renderDifferences())
  writeFileSync(new URL('../docs/metrics.md', import.meta.url), await renderMetrics())
  const path = new URL('../README.md', import.meta.url)
  writeFileSync(path, writeTables(readFileSync(path, 'utf8')))
  writeFileSync(rulesFile, withFailureCodes(readFileSync(rulesFile, 'utf8')))
}
