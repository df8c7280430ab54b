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
    // One scrape reads one family after the other while requests are being counted: both see the last ones a scrape later.
    const difference = `abs(sum ${by} (nginx_ingress_controller_requests) - sum ${by} (weir_requests_total{ingress!=""}))`
    const lasting = `min_over_time((${difference})[10s:1s]) > 0`
    await expectData(prometheus, span, difference)
    const found = await prometheus.range(lasting, span)
    if (found.length > 0) throw new Error(`counts differ for 10 s: ${JSON.stringify(found[0])}`)
  }
}
