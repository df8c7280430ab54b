// What does docs/annotations.md say? It is written from the tables, so that it cannot be wrong about them.
import { families } from './families.ts'
import type { Family, Row } from './row.ts'

const introduction = `# Annotations

This page is written from the tables in \`shared/routing/ingress/annotations/\`; to change it, change them and run \`npm run docs\`.

Weir reads three families of Ingress annotations into one kind of policy. When an Ingress has keys of several families, they
are applied in the order of this page: \`weir.dev/\` has the last word. Keys of any other family are ignored.

| state | the key is understood | its value cannot be read |
|---|---|---|
| supported | acted on | reported, and ignored |
| **supported, guarded** | acted on | reported, and the routes answer 503 |
| not supported | reported, and ignored | – |
| **not supported, closed** | reported, and the routes answer 503 | – |

A key of one of these families that is not on this page is reported too; when its name looks as if it protected something
(auth, limits, address lists, TLS, firewalls, filters …) the routes answer 503. "Reported" means a log line,
\`weir_route_problems{reason}\` and an entry at \`/routes?problems\`. Routes that answer 503 do so with the code
\`policy-closed\`, until the Ingress is mended: what the owner asked to be protected is never served open.

Bool is \`true\` or \`false\` (also \`1\`, \`0\`, \`t\`, \`f\`). CIDRs are networks or single addresses, separated by commas or white
space. Every value is a string in YAML: \`"true"\`, not \`true\`.
`

/** Renders the page. */
export function renderAnnotations(): string {
  return `${[introduction, ...families.map(renderFamily)].join('\n')}`
}

function renderFamily({ prefix, rows }: Family): string {
  const lines = rows.map(
    (row) =>
      `| \`${row.key}\` | ${cell(row.value)} | ${cell(row.meaning)} | ${describeState(row)} |`,
  )
  const head = ['| key | value | meaning | state |', '|---|---|---|---|']
  return `## \`${prefix}\`\n\n${[...head, ...lines].join('\n')}\n`
}

function describeState(row: Row): string {
  if (row.state === 'supported') return row.failsClosed ? '**supported, guarded**' : 'supported'
  const exceptions =
    row.inert.length === 0 ? '' : ` (fine: ${row.inert.map((text) => `\`${text}\``).join(', ')})`
  return `${row.failsClosed ? '**not supported, closed**' : 'not supported'}${exceptions}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
