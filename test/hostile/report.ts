// How are the results told? Totals per category and segmentation, failing cases, and the table of peers. Pure.
import type { Report, Result } from './runner.ts'

const holds = ({ verdict }: Result) => verdict.problems.length === 0

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}

const share = (results: readonly Result[]) => `${results.filter(holds).length}/${results.length}`

/** Writes totals: one line per category, one column per segmentation and connection. */
export function totals(report: Report): string[] {
  const columns = groupBy(
    report.results,
    (result) => `${result.segmentation}/${result.reusedConnection ? 'reused' : 'fresh'}`,
  )
  const names = [...columns.keys()].toSorted()
  const pad = (text: string) => text.padStart(13)
  const lines = [`${'category'.padEnd(10)}${names.map(pad).join('')}${pad('preferred')}`]
  for (const [category, results] of groupBy(report.results, ({ hostile }) => hostile.category)) {
    const cells = names.map((name) =>
      pad(share((columns.get(name) ?? []).filter(({ hostile }) => hostile.category === category))),
    )
    const preferred = results.filter(({ verdict }) => verdict.preferred).length
    lines.push(`${category.padEnd(10)}${cells.join('')}${pad(`${preferred}/${results.length}`)}`)
  }
  return lines
}

/** Lists failing cases once, with the variants they fail in and what is wrong. */
export function failuresByCase(report: Report): string[] {
  const failed = groupBy(
    report.results.filter((result) => !holds(result)),
    ({ hostile }) => hostile.id,
  )
  return [...failed].map(([id, results]) => {
    const variants = results.map(
      ({ segmentation, reusedConnection }) => `${segmentation}${reusedConnection ? '+reused' : ''}`,
    )
    const problems = new Set(results.flatMap(({ verdict }) => verdict.problems))
    const name = results[0]?.hostile.name ?? ''
    return `${id} (${name}) in ${variants.toSorted().join(', ')}: ${[...problems].slice(0, 4).join('; ')}`
  })
}

/** Lists cases that hold, but not at the preferred outcome. */
export function otherwiseHeld(report: Report): string[] {
  const others = report.results.filter((result) => holds(result) && !result.verdict.preferred)
  return [...groupBy(others, ({ hostile }) => hostile.id)].map(([id, results]) => {
    const outcomes = new Set(results.map(({ verdict }) => verdict.outcomes[0] ?? ''))
    const prefer = results[0]?.hostile.expect.prefer ?? ''
    return `${id} (${results[0]?.hostile.name ?? ''}): ${[...outcomes].join(', ')}; preferred ${prefer}`
  })
}

/** Counts cases that hold in every variant. */
function casesHeld(results: readonly Result[]): string {
  const cases = [...groupBy(results, ({ hostile }) => hostile.id).values()]
  return `${cases.filter((runs) => runs.every(holds)).length}/${cases.length}`
}

/** Writes the Markdown table of peers: cases that hold in every variant. */
export function peersTable(reports: ReadonlyMap<string, Report>): string {
  const names = [...reports.keys()]
  const all = [...reports.values()].flatMap(({ results }) => results)
  const categories = [...new Set(all.map(({ hostile }) => hostile.category))]
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const of = (name: string, category?: string) =>
    casesHeld(
      (reports.get(name)?.results ?? []).filter(
        ({ hostile }) => category === undefined || hostile.category === category,
      ),
    )
  const failing = groupBy(
    [...reports].flatMap(([name, { results }]) =>
      results.filter((result) => !holds(result)).map((result) => ({ name, result })),
    ),
    ({ result }) => result.hostile.id,
  )
  return [
    '# Hostile HTTP/1.1: who holds what',
    '',
    'Cases of test/cases/http1-hostile.json that hold in every variant (three segmentations, a fresh and a reused client connection, a second client on the same pool).',
    '',
    row(['category', ...names]),
    row(['---', ...names.map(() => '---')]),
    ...categories.map((category) => row([category, ...names.map((name) => of(name, category))])),
    row(['all', ...names.map((name) => of(name))]),
    '',
    '## Cases that somebody does not hold',
    '',
    row(['case', 'name', ...names]),
    row(['---', '---', ...names.map(() => '---')]),
    ...[...failing]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, entries]) => {
        const cells = names.map((name) => {
          const mine = entries.filter((entry) => entry.name === name)
          if (mine.length === 0) return 'holds'
          return `${mine[0]?.result.verdict.outcomes[0] ?? 'broke'} (${mine.length})`
        })
        const label = (entries[0]?.result.hostile.name ?? '').replaceAll('|', '\\|')
        return row([id, label, ...cells])
      }),
    '',
  ].join('\n')
}
