// Keeps docs/annotations.md and the option tables of README.md true: writes each table between its markers
// `<!-- options:NAME -->`.
// A new program with options gets its markers in the README and a line in `tables`.
import { readFileSync, writeFileSync } from 'node:fs'
import { renderAnnotations } from '../proxy/ingress/annotations/document.ts'
import { proxyOptions } from '../proxy/settings-table.ts'
import { configOption } from '../shared/options.ts'
import { markdownTable } from '../shared/options-help.ts'

writeFileSync(new URL('../docs/annotations.md', import.meta.url), renderAnnotations())

const tables = { proxy: { ...proxyOptions, ...configOption } }

const path = new URL('../README.md', import.meta.url)
let readme = readFileSync(path, 'utf8')
for (const [name, table] of Object.entries(tables)) {
  const [begin, end] = [`<!-- options:${name} -->`, `<!-- /options:${name} -->`]
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`README.md has no markers ${begin} … ${end}`)
  readme = `${readme.slice(0, from)}${begin}\n\n${markdownTable(table)}\n\n${readme.slice(to)}`
}
writeFileSync(path, readme)
