// What does docs/skipper-predicates.md say? It is written from the table of predicates.
import { predicates } from './read.ts'

const introduction = `# Skipper's predicates

This page is written from the tables in \`shared/routing/eskip/predicates/\`; to change it, change them and run \`npm run docs\`.

A route takes the requests that its path, its host and all its predicates mean. A predicate that is unknown here, or that is given what
it does not take, is reported with its place and the nearest name, and the route answers 503: nobody knows which requests
it means, and a broader route must not serve them open. It gives way to a route whose predicates can be read.

**Who goes before whom**, when several routes mean a request:

1. By path, segment by segment from the left: a text before \`:name\`, that before \`*name\` and what is below a subtree. A route without
   Path and PathSubtree comes after all of them.
2. At one path by weight: each predicate weighs one, but for those of paths, TrafficSegment (nothing) and Weight (what it says). A host that
   is a name weighs one, too.
3. Then by age, the namespace and name of the object, and the place in it. Skipper leaves this open.

A route without a host is for every host; an Ingress without a host is for those that nobody names, as Kubernetes has it, and
routes of an Ingress that have no predicates go before routes that are for every host. Paths are compared decoded once and with slashes
merged; upstreams get them as they came.

| predicate | takes | holds |
|---|---|---|
`

/** Writes the page. */
export function renderPredicates(): string {
  const rows = predicates.map(
    ({ name, args, meaning }) => `| \`${name}\` | ${args} | ${meaning.replaceAll('|', '\\|')} |`,
  )
  return `${introduction}${rows.join('\n')}\n`
}
