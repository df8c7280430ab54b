// What does docs/ingress-nginx.md say? It is written from the cases of ingress-nginx's own suite, from
// test/annotations/known.json, which a run of the cases holds to be true, and from test/ingress-nginx/manifests.
import { readdirSync, readFileSync } from 'node:fs'

interface Case {
  readonly id: string
  readonly area: string
  /** What ingress-nginx does, in a sentence. */
  readonly why: string
  readonly skip?: string
}

interface Manifest {
  readonly verdict: 'same' | 'differs' | 'closed'
  readonly why?: string
}

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** Renders the page; throws when known.json names a case that does not exist. */
export function renderDifferences(): string {
  const { cases }: { readonly cases: readonly Case[] } = read(
    '../test/cases/nginx-annotations.json',
  )
  const known: Readonly<Record<string, string>> = read('../test/annotations/known.json')
  const byId = new Map(cases.map((each) => [each.id, each]))
  const playable = cases.filter(({ skip }) => skip === undefined).length
  const missing = Object.keys(known).length
  const sections = [...Map.groupBy(Object.entries(known), ([, reason]) => reason)]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([reason, entries]) => {
      const lines = entries.map(([id]) => {
        const found = byId.get(id)
        if (found === undefined) throw new Error(`known.json names ${id}, which is no case`)
        return `| ${found.area} | ${found.why.replaceAll('|', '\\|')} | \`${id}\` |`
      })
      return `### ${reason}\n\n| area | what ingress-nginx does | case |\n|---|---|---|\n${lines.join('\n')}\n`
    })
  return [
    introduction(playable, cases.length - playable, missing),
    ...sections,
    renderManifests(),
  ].join('\n')
}

/** Says how Ingresses as people write them behave. */
function renderManifests(): string {
  const folder = new URL('../test/ingress-nginx/manifests/', import.meta.url)
  const all = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file): [string, Manifest][] => Object.entries(read(folder.pathname + file)))
  const others = all.flatMap(([id, { verdict, why }]) =>
    why === undefined ? [] : [`| \`${id}\` | ${verdict} | ${why.replaceAll('|', '\\|')} |`],
  )
  const same = all.length - others.length
  return `## Ingresses as people write them

${all.length} Ingresses as public charts and guides write them for ingress-nginx are in \`test/ingress-nginx/manifests\`, each with what
ingress-nginx answers. **${same} of them (${((same / all.length) * 100).toFixed(1)} %) behave the same** under \`--like ingress-nginx\` with a port for TLS; what
owners are told of those is what ingress-nginx did not read either. The other ${others.length}:

| Ingress | it is | why, and what to do |
|---|---|---|
${others.join('\n')}
`
}

function introduction(playable: number, others: number, missing: number): string {
  return `# In the place of ingress-nginx: what differs

This page is written from \`test/annotations/known.json\`; to change it, change that and run \`npm run docs\`.

\`--like ingress-nginx\` sets every default as ingress-nginx has it, \`--config-map NAMESPACE/NAME\` reads its global ConfigMap.
What becomes of each annotation is in [annotations.md](annotations.md), of each key of the ConfigMap in
[config-map.md](config-map.md), and how to move in [migrate-from-ingress-nginx.md](migrate-from-ingress-nginx.md).

ingress-nginx's own end-to-end suite and the edge cases of its annotation parsers were written down as what can be seen from
outside: ${playable + others} cases, of which ${others} cannot be seen over HTTP (lines of a log, text of a configuration file). \`npm run
test:annotations\` plays the other ${playable} against Weir, over sockets. **${playable - missing} give the same answers**; the ${missing} that do not:

`
}
