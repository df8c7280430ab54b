// What does docs/annotations.md say? It is written from the tables, so that it cannot be wrong about them.
import { families } from './families.ts'
import { type ForeignFamily, foreignFamilies } from './foreign-families.ts'
import type { Family, Row } from './row.ts'

const introduction = `# Annotations

This page is written from the tables in \`shared/routing/ingress/annotations/\`; to change it, change them and run \`npm run docs\`.

Weir reads three families of Ingress annotations into one kind of policy. When an Ingress has keys of several families, they
are applied in the order of this page: \`weir.dev/\` has the last word. Keys [of other controllers](#keys-of-other-controllers) are
reported; keys of all other families are nobody's business here.

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

With \`--like ingress-nginx\` a key that ingress-nginx did not read closes nothing: keys of other controllers, those that it never knew,
and its own with an empty value (but an empty address list, which closes there, too). Each of them is reported.

Ingresses of one namespace may name the same host and path and differ in their \`match-\` keys. The one that asks for more is asked
first (a method, then more headers, more query parameters, cookies, sources, times, shares), then the older one, the one without
\`match-\` keys last. When its conditions do not hold, the next one at the same path is asked, then those of the next shorter path;
when there is none left, the answer is 404. An Ingress whose \`match-\` keys cannot be read answers 503 for what no other Ingress
of its namespace serves at the same path. What a client can choose (a header, a cookie, a query) chooses a route and protects nothing.
`

const foreign = `## Keys of other controllers

Weir acts on none of these, but an Ingress that comes from such a controller may rely on them. On an Ingress that Weir serves they
are reported, and where a key may protect something the routes answer 503: when its name says so (auth, limits, address lists,
TLS, firewalls, filters …) or when it is listed here. A value such as \`false\`, \`off\` or \`none\` asks for no protection.

\`--ignore-annotations\` of the proxy names what something else takes care of: keys (\`konghq.com/plugins\`), prefixes
(\`konghq.com/\`), either with \`*\` for any text, or \`*\` for all of them. Nothing is said of these, and nothing is closed.
Families that are in no row, such as \`cert-manager.io/\` and \`external-dns.alpha.kubernetes.io/\`, are not looked at.
`

/** Renders the page. */
export function renderAnnotations(): string {
  return [introduction, ...families.map(renderFamily), foreign, renderForeign()].join('\n')
}

function renderForeign(): string {
  const lines = foreignFamilies.map(
    ({ prefix, owner, protects, harmless }: ForeignFamily) =>
      `| \`${prefix}\` | ${owner} | ${listed(protects)} | ${listed(harmless)} |`,
  )
  const head = [
    '| prefix | whose | protect, beside those whose names say so | do not, whatever their names |',
    '|---|---|---|---|',
  ]
  return `${[...head, ...lines].join('\n')}\n`
}

function listed(keys: readonly string[]): string {
  return keys.map((key) => `\`${key}\``).join(', ') || '–'
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
