// Do ingress-nginx's own dashboards go on with `--metrics-like ingress-nginx`, scraped as the chart's monitors say?
import { type Check, expectData } from './checks.ts'
import { chosen, fillNginxVariables, nginxQueries } from './nginx-dashboards.ts'
import type { Prometheus, Span } from './prometheus.ts'
import { selectorsOf, withoutThresholds } from './promql.ts'

/** Checks of all of their queries, for one of everything and for All. */
export function nginxChecks(prometheus: Prometheus, span: Span): Check[] {
  const queries = nginxQueries.flatMap(({ dashboard, panel, expr }) =>
    ([chosen, 'all'] as const).map((values) => ({
      name: `ingress-nginx's dashboard ${dashboard}, ${panel}, ${values === 'all' ? 'all' : 'one'}`,
      run: async () => {
        const filled = fillNginxVariables(expr, values)
        for (const { text } of selectorsOf(filled)) await expectData(prometheus, span, text)
        await expectData(
          prometheus,
          span,
          filled.includes('==') ? withoutThresholds(filled) : filled,
        )
      },
    })),
  )
  return [...queries, { name: 'both names count the same requests', run: countsAgree }]

  async function countsAgree(): Promise<void> {
    const by = 'by (pod, ingress, method, status)'
    // Both are of one scrape: not one request may be missing.
    const difference = `abs(sum ${by} (nginx_ingress_controller_requests) - sum ${by} (weir_requests_total{ingress!=""})) > 0`
    await expectData(prometheus, span, withoutThresholds(difference))
    const found = await prometheus.range(difference, span)
    if (found.length > 0) throw new Error(`counts differ: ${JSON.stringify(found[0])}`)
  }
}
