// Which queries of ingress-nginx's two Grafana dashboards ask for requests, connections and changes? As data, to be asked of us.
//
// Source: kubernetes/ingress-nginx, release of controller 1.15.1, deploy/grafana/dashboards/nginx.json and
// request-handling-performance.json. Left out: the expiry of certificates, as Weir has none.

/** One query, with Grafana's variables in it. */
export interface NginxQuery {
  readonly dashboard: 'nginx' | 'request-handling-performance'
  readonly panel: string
  readonly expr: string
}

/** Values of the dashboards' variables: one of each, so that every label has to fit. */
export const chosen = {
  namespace: 'edge',
  controller_class: 'weir.dev/ingress',
  controller: 'weir-2',
  exported_namespace: 'web',
  // Slow now and then, so that it has errors, too.
  ingress: 'search',
} as const

/** Replaces the variables, by `values` or by what Grafana puts for All. */
export function fillNginxVariables(
  expr: string,
  values: Readonly<Record<string, string>> | 'all',
): string {
  return expr.replace(/\$(\w+)/g, (_, name: string) =>
    values === 'all' ? '.*' : (values[name] ?? ''),
  )
}

const controller = 'controller_pod=~"$controller",controller_class=~"$controller_class"'
// The dashboard names the namespace of the controller in two ways.
const byTarget = `${controller},namespace=~"$namespace"`
const byController = `${controller},controller_namespace=~"$namespace"`
const ofIngress = 'exported_namespace=~"$exported_namespace",ingress=~"$ingress"'
const withIngress = `ingress!="",${byController},ingress=~"$ingress",exported_namespace=~"$exported_namespace"`

const p = 'nginx_ingress_controller_'
const good = 'status!~"[4-5].*"'
const quantile = (q: string, by: string, selector: string) =>
  `histogram_quantile(${q}, sum(rate(${p}request_duration_seconds_bucket{${selector}}[2m])) by (${by}))`

const overview: readonly (readonly [panel: string, expr: string])[] = [
  ['Controller Request Volume', `round(sum(irate(${p}requests{${byTarget}}[2m])), 0.001)`],
  [
    'Controller Connections',
    `sum(avg_over_time(${p}nginx_process_connections{${byController},state="active"}[2m]))`,
  ],
  [
    'Controller Success Rate',
    `sum(rate(${p}requests{${byTarget},${good}}[2m])) / sum(rate(${p}requests{${byTarget}}[2m]))`,
  ],
  [
    'Last Config Failed',
    `count(${p}config_last_reload_successful{controller_pod=~"$controller",controller_namespace=~"$namespace"} == 0)`,
  ],
  ['Config Reloads', `avg(irate(${p}success{${byController}}[1m])) * 60`],
  [
    'Ingress Request Volume',
    `round(sum(irate(${p}requests{${byController},${ofIngress}}[2m])) by (ingress), 0.001)`,
  ],
  [
    'Ingress Success Rate',
    `sum(rate(${p}requests{${byTarget},${ofIngress},${good}}[2m])) by (ingress) / sum(rate(${p}requests{${byTarget},${ofIngress}}[2m])) by (ingress)`,
  ],
  ['Network I/O, received', `sum (irate (${p}request_size_sum{${byController}}[2m]))`],
  ['Network I/O, sent', `- sum (irate (${p}response_size_sum{${byController}}[2m]))`],
  ['Average Memory Usage', `avg(${p}nginx_process_resident_memory_bytes{${byController}})`],
  ['Average CPU Usage', `avg (rate (${p}nginx_process_cpu_seconds_total{${byController}}[2m]))`],
  ['Percentiles, 50', quantile('0.50', 'le, ingress', withIngress)],
  ['Percentiles, 90', quantile('0.90', 'le, ingress', withIngress)],
  ['Percentiles, 99', quantile('0.99', 'le, ingress', withIngress)],
  ['Transfer, in', `sum(irate(${p}request_size_sum{${withIngress}}[2m])) by (ingress)`],
  ['Transfer, out', `sum(irate(${p}response_size_sum{${withIngress}}[2m])) by (ingress)`],
  ['Response times, P80', quantile('0.80', 'le', withIngress)],
  ['Response times, P90', quantile('0.90', 'le', withIngress)],
  ['Response times, P99', quantile('0.99', 'le', withIngress)],
  [
    'Latency Heatmap',
    `sum(increase(${p}request_duration_seconds_bucket{${withIngress}}[2m])) by (le)`,
  ],
  // The lists of the variables and the annotations of the graph.
  ['$namespace', `${p}config_hash`],
  ['$controller_class', `${p}config_hash{namespace=~"$namespace"}`],
  ['$controller', `${p}config_hash{namespace=~"$namespace",controller_class=~"$controller_class"}`],
  ['$exported_namespace', `${p}requests{${byTarget}}`],
  ['$ingress', `${p}requests{${byTarget},exported_namespace=~"$exported_namespace"}`],
  [
    'Config Reloads, annotation',
    `sum(changes(${p}config_last_reload_successful_timestamp_seconds{instance!="unknown",controller_class=~"$controller_class",namespace=~"$namespace"}[30s])) by (controller_class)`,
  ],
]

const ingress = 'ingress =~ "$ingress"'
const byPath = 'method, host, path'
const percentile = (q: string, metric: string, by: string) =>
  `histogram_quantile(${q}, sum by (${by})(rate(${p}${metric}_duration_seconds_bucket{${ingress}}[5m])))`
const requestCount = `${p}request_duration_seconds_count`

const performance: readonly (readonly [panel: string, expr: string])[] = [
  ...(['0.5', '0.95', '0.99'] as const).flatMap((q) => [
    [`Request Latency ${q}`, percentile(q, 'request', 'le')] as const,
    [`Upstream Response Latency ${q}`, percentile(q, 'response', 'le')] as const,
  ]),
  ['Request Rate', `sum by (${byPath})(rate(${requestCount}{${ingress}}[5m]))`],
  ['Median Upstream Response Time', percentile('.5', 'response', `le, ${byPath}`)],
  [
    'Response Error Rate',
    `sum by (${byPath}) (rate(${requestCount}{${ingress}, status =~ "[4-5].*"}[5m])) / sum by (${byPath}) (rate(${requestCount}{${ingress},}[5m]))`,
  ],
  [
    'Upstream Response Time',
    `sum by (${byPath}) (rate(${p}response_duration_seconds_sum{${ingress}}[5m]))`,
  ],
  [
    'Response Errors by Status',
    `sum (rate(${requestCount}{${ingress}, status =~"[4-5].*",}[5m])) by(${byPath}, status)`,
  ],
  [
    'Average Response Size',
    `sum (rate (${p}response_size_sum {${ingress},}[5m])) by (${byPath}) / sum (rate(${p}response_size_count {${ingress},}[5m])) by (${byPath})`,
  ],
  ['Response Sizes', `sum (rate(${p}response_size_bucket{${ingress},}[5m])) by (le)`],
  ['$ingress', `${p}requests`],
]

/** All of them. */
export const nginxQueries: readonly NginxQuery[] = [
  ...overview.map(([panel, expr]) => ({ dashboard: 'nginx', panel, expr }) as const),
  ...performance.map(
    ([panel, expr]) => ({ dashboard: 'request-handling-performance', panel, expr }) as const,
  ),
]
