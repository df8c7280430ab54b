// What does docs/config-map.md say, and `--help` about `--like`? Both are written from the table.
import { setsInitial } from './read.ts'
import type { ConfigMapRow } from './row.ts'
import { configMapRows } from './table.ts'

const introduction = `# The ConfigMap of ingress-nginx

This page is written from the tables in \`shared/routing/ingress/config-map/\`; to change it, change them and run \`npm run docs\`.

\`--config-map NAMESPACE/NAME\` reads ingress-nginx's global ConfigMap: its keys are the defaults of all Ingresses that Weir serves,
whichever annotations they use. Changes are followed without a restart. An annotation of an Ingress is stronger.

\`--like ingress-nginx\` gives every key the initial value of this page; without it a key that the ConfigMap does not have
leaves Weir's own default as it is. Where an option is named beside it, \`--like\` changes the default of that option. The ConfigMap is stronger than \`--like\`.

| verdict | the key is understood | its value cannot be read |
|---|---|---|
| supported | acted on, as ingress-nginx does | reported, and its default counts |
| differs | acted on; the meaning says what is other | reported, and its default counts |
| **guarded** | acted on | reported, and all routes answer 503 |
| ignored | reported when it is given another value than the initial one: nothing that clients notice depends on it | – |
| **refused** | reported, and all routes answer 503 | – |

"Reported" means a log line, \`weir_route_problems{reason}\` (\`invalid-config-key\`, \`unknown-config-key\`) and an entry at
\`/routes?problems\`, about the ConfigMap; with \`--config-map\` of the controller, which the
chart sets, Events about it, too. A ConfigMap that is not there is reported, too, and all keys have their
defaults; one that is deleted counts on, as with ingress-nginx. Without the right to read it nothing is served. Every value is a
string in YAML: \`"true"\`, not \`true\`.

| key | value | initial | meaning | verdict |
|---|---|---|---|---|
`

/** Renders the page. */
export function renderConfigMap(): string {
  const rows = [...configMapRows].sort((a, b) => (a.key < b.key ? -1 : 1))
  return `${introduction}${rows.map(renderRow).join('\n')}\n`
}

/** Lists what Ingresses have with `--like` that they do not have without. */
export function initialKeys(): string {
  return configMapRows
    .filter(setsInitial)
    .map(({ key, initial }) => `${key} ${initial}`)
    .join(', ')
}

function renderRow({ key, value, initial, meaning, option, ...row }: ConfigMapRow): string {
  const held = option === undefined ? '' : ` (\`--${option}\`)`
  const cells = [
    `\`${key}\``,
    value,
    initial === '' ? '–' : `\`${initial}\`${held}`,
    meaning,
    verdictOf(row),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function verdictOf(row: Pick<ConfigMapRow, 'verdict' | 'failsClosed'>): string {
  if (row.verdict === 'refused') return '**refused**'
  return row.failsClosed ? `${row.verdict}, **guarded**` : row.verdict
}
