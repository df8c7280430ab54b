// What does docs/skipper-filters.md say? It is written from the table of filters.
import { filterRows } from './table.ts'

const introduction = `# Skipper's filters

This page is written from the tables in \`shared/routing/eskip/filters/\`; to change it, change them and run \`npm run docs\`.

Filters act on a request in the order in which they are written, and on its response back from the last one that the request
reached. One that answers ends the request: those behind it act on neither. On a failure behind the filters (no connection, an open
circuit) none acts.

A filter that is unknown here, that is refused, or that is given what it does not take, is reported with its place and the nearest
name, and the route answers 503: it may have been there to protect. What is accepted without effect is reported, and the route
is served.

Texts may hold placeholders: \`\${request.method}\`, \`\${request.host}\`, \`\${request.path}\`, \`\${request.rawQuery}\`,
\`\${request.query.NAME}\`, \`\${request.header.NAME}\`, \`\${request.cookie.NAME}\`, \`\${request.source}\`, \`\${request.sourceFromLast}\`,
\`\${request.clientIP}\`, \`\${response.header.NAME}\` and \`\${NAME}\`, a wildcard of the path. Both sources are the client as trusted
proxies say it, never the first address that anybody writes into X-Forwarded-For. What could end a line becomes a space. Times are
written as \`250ms\`, \`30s\` or \`1m30s\`.

| filter | takes | verdict | what it does |
|---|---|---|---|
`

/** Writes the page. */
export function renderFilters(): string {
  const rows = filterRows.map(({ name, args, verdict, note }) => {
    const cells = [`\`${name}\``, args, verdict, note].map((cell) => cell.replaceAll('|', '\\|'))
    return `| ${cells.join(' | ')} |`
  })
  return `${introduction}${rows.join('\n')}\n`
}
