// What is held against a Prometheus that has watched Weir for a while: every query has data, every metric is documented.
import { readFileSync } from 'node:fs'
import { fillVariables, readDashboard } from '../../deploy/grafana/dashboard.ts'
import { readRules } from '../../deploy/prometheus/rules.ts'
import { parseExposition } from '../../shared/testing/exposition.ts'
import type { Prometheus, Span } from './prometheus.ts'
import { selectorsOf, withoutThresholds } from './promql.ts'

/** One check; `run` rejects when it does not hold. */
export interface Check {
  readonly name: string
  run(): Promise<void>
}

/** How long rates are taken over, where Grafana would choose. */
export const rateWindow = '10s'

const ofPrometheus = /^(up|scrape_\w+)$/

/** Checks of all queries that the project ships. */
export function queryChecks(prometheus: Prometheus, span: Span): Check[] {
  const { alerts, recordings } = readRules()
  const recorded = new Set(recordings.map(({ record }) => record))
  const documented = documentedMetrics()

  /** A query whose names are unknown has no data by mistake; one without data cannot be trusted to have any. */
  async function hasData(expr: string): Promise<void> {
    for (const { metric, text } of selectorsOf(expr)) {
      const isKnown = recorded.has(metric) || ofPrometheus.test(metric) || documented.has(metric)
      if (!isKnown) throw new Error(`no metric is named ${metric}`)
      await expectData(prometheus, span, text)
    }
    await expectData(prometheus, span, expr)
  }

  const panels = (['proxy', 'controller'] as const).flatMap((name) =>
    readDashboard(name).panels.flatMap(({ title, queries }) =>
      queries.map(({ expr, legend }) => ({
        name: `dashboard ${name}, ${title} ${legend}`.trimEnd(),
        run: () => hasData(fillVariables(expr, rateWindow)),
      })),
    ),
  )
  return [
    ...panels,
    ...recordings.map(({ record, expr }) => ({
      name: `recorded ${record}`,
      run: async () => {
        await hasData(expr)
        await expectData(prometheus, span, record)
      },
    })),
    ...alerts.map(({ alert, expr }) => ({
      name: `alert ${alert}`,
      run: () => hasData(withoutThresholds(expr)),
    })),
    ...pageQueries().map((expr) => ({
      name: `docs/alerts.md: ${expr}`,
      run: () => hasData(withoutThresholds(expr)),
    })),
  ]
}

/** Throws when a query finds nothing, or no number. */
export async function expectData(prometheus: Prometheus, span: Span, query: string): Promise<void> {
  const found = await prometheus.range(query, span)
  const isThere = found.some(({ points }) => points.some(([, value]) => !Number.isNaN(value)))
  if (!isThere) throw new Error(`no data: ${query}`)
}

/** Checks that whatever a program exports is in docs/metrics.md; `texts` are its answers on /metrics. */
export function documentationCheck(program: string, text: string): Check {
  return {
    name: `docs/metrics.md has every metric of the ${program}`,
    run: async () => {
      const documented = documentedMetrics()
      const missing = [...parseExposition(text).keys()].filter((name) => !documented.has(name))
      if (missing.length > 0) throw new Error(`not documented: ${missing.join(', ')}`)
    },
  }
}

/** Names in the tables of docs/metrics.md; a histogram stands for its three. */
function documentedMetrics(): ReadonlySet<string> {
  const rows = readPage('metrics').matchAll(/^\| `(\w+)` \| (\w+) \|/gm)
  const names = [...rows].flatMap(([, name = '', kind]) =>
    kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  return new Set(names)
}

/** The queries that docs/alerts.md tells people to look at. */
function pageQueries(): string[] {
  return [...readPage('alerts').matchAll(/```promql\n(.*?)```/gs)].map(([, query = '']) =>
    query.trim(),
  )
}

function readPage(name: 'alerts' | 'metrics'): string {
  return readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8')
}
