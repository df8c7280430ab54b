// docs/metrics.md: every metric with its labels and meaning, as the programs themselves export it.
// Each metric is used once on a registry of its own, so that its labels show; nothing is listed by hand.
import { text } from 'node:stream/consumers'
import { createControllerMetrics } from '../controller/metrics.ts'
import { groupView, observed } from '../controller/test/fixtures.ts'
import { createFaultReporter } from '../proxy/observe/filter-faults.ts'
import { createProxyMetrics } from '../proxy/observe/metrics-registry.ts'
import { createRecorder } from '../proxy/observe/recorder.ts'
import { createSlots } from '../proxy/observe/slot-allocator.ts'
import { exampleRecord } from '../proxy/observe/testing/records.ts'
import { createThreadMeter } from '../proxy/observe/thread-meter.ts'
import { createHandshakeMeter } from '../proxy/serve/handshake-meter.ts'
import { systemClock } from '../shared/clock.ts'
import { createRegistry } from '../shared/metrics.ts'
import { type ExposedFamily, parseExposition } from '../shared/testing/exposition.ts'

const head = `# Metrics

What the proxy exports on \`:9911/metrics\` and the controller on \`:9912/metrics\`, in Prometheus's text format. \`npm run docs\` writes this
page from the programs themselves. Names of metrics and labels change only with a line in CHANGELOG.md.

Scrape with \`honor_labels: true\` (the chart's monitors do): \`namespace\` and \`service\` of a request are those of the Ingress that it
matched, not those of the proxy. Host names are labels in the words of ingress-nginx only (below). A route that is gone leaves its series 15 minutes later.

[alerts.md](alerts.md) says what to watch; the dashboards are in \`deploy/grafana/\`, the rules in \`deploy/prometheus/rules.yaml\`.
`

const nginxHead = `
## In the words of ingress-nginx

With \`--metrics-like ingress-nginx\` the proxy exports these beside its own, so that dashboards and alerts made for ingress-nginx go on.
Names, labels and buckets are those of ingress-nginx 1.15. \`controller_class\` is k8s.io/ingress-nginx where \`--controller-class\`
names it, else its first; \`controller_namespace\` and \`controller_pod\` are \`--pod-namespace\` and \`--pod-name\` (the chart sets both). \`path\` is that of the rule, a prefix without its last
\`/\`; \`host\` is the declared one, \`*.a.test\` for all of its hosts (ingress-nginx leaves those out) and \`_\` for rules without a host. Requests
without a route are not in them. \`service\` is the one of the rule also where a canary served; \`canary\` names that one.

Dashboards of ingress-nginx expect a scrape without \`honor_labels\`: \`namespace\` is then the proxy's and \`exported_namespace\` the Ingress's. The
chart's monitors set both by \`metricRelabelings\` when \`proxy.options\` has \`metrics-like\`. Not exported: certificates, admission, \`orphan_ingress\`.
`

/** Renders the page. */
export async function renderMetrics(): Promise<string> {
  const { own: proxy, nginx } = await proxyFamilies()
  const controller = await controllerFamilies()
  const runtime = parseExposition(await text(createRegistry({ nodeMetrics: true }).pieces()))
  return [
    head,
    '## Proxy\n',
    table(proxy),
    nginxHead,
    table(nginx),
    '\n## Controller\n',
    table(controller),
    '\n## Runtime\n',
    'Of Node.js, from both programs, on Linux. Event loop, heap and garbage collection are those of the control thread only; `process_` is',
    'the whole process. The data-plane threads have the `weir_worker_` metrics above.\n',
    runtimeTable(runtime),
    '',
  ].join('\n')
}

async function proxyFamilies(): Promise<{
  readonly own: ReadonlyMap<string, ExposedFamily>
  readonly nginx: ReadonlyMap<string, ExposedFamily>
}> {
  const metrics = createProxyMetrics({
    clock: systemClock,
    version: '',
    maxConnections: 0,
    watchAges: () => ({ ingresses: 0 }),
    certificateExpiries: () => [{ namespace: 'namespace', secret: 'secret', validTo: 0 }],
    nodeMetrics: false,
    nginx: { namespace: 'namespace', className: 'class', pod: 'pod' },
  })
  const slots = createSlots((message) => metrics.slots.accept(message, 0))
  const recorder = createRecorder({ slots, isLikeNginx: true })
  const counters = recorder.countersFor(
    { namespace: 'namespace', ingress: 'ingress', service: 'service' },
    {
      ...{ host: 'host', path: '/', main: 'service', canary: '' },
      ...{ upstream: '', isUnlogged: false },
    },
  )
  recorder.record(exampleRecord({ counters, status: 502, error: 'connect-failed' }))
  const busy = { cpuMicros: () => 0, busyMs: () => 0 }
  createThreadMeter({ slots, place: 0, clock: systemClock, tickMs: 100, ...busy }).tick()
  createHandshakeMeter(slots)
  createFaultReporter({ slots, kinds: ['mine'], clock: systemClock, post: () => {} })
  const all = [...parseExposition(await text(metrics.pieces()))]
  const isNginx = ([name]: readonly [string, unknown]): boolean => name.startsWith('nginx_')
  return {
    own: new Map(all.filter((family) => !isNginx(family))),
    nginx: new Map(all.filter(isNginx)),
  }
}

async function controllerFamilies(): Promise<ReadonlyMap<string, ExposedFamily>> {
  const registry = createRegistry({ nodeMetrics: false })
  const metrics = createControllerMetrics(registry, {
    isLeader: () => true,
    syncAgeSeconds: () => 0,
    watchAgesMs: () => ({ pods: 0 }),
  })
  metrics.showTargets([groupView({ observed: [observed('10.0.0.1', 'healthy')] })])
  metrics.showProxyProtocol('edge', false)
  metrics.observeDrainStep('released', 0)
  return parseExposition(await text(registry.pieces()))
}

function table(families: ReadonlyMap<string, ExposedFamily>): string {
  const rows = [...families.values()].map(({ name, type, help, samples }) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
    labels.delete('le')
    const names = [...labels].map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${names} | ${help} |`
  })
  return ['| metric | kind | labels | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

/** Without labels: some show only once there was something to count, such as a garbage collection. */
function runtimeTable(families: ReadonlyMap<string, ExposedFamily>): string {
  const rows = [...families.values()].map(
    ({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`,
  )
  return ['| metric | kind | meaning |', '|---|---|---|', ...rows].join('\n')
}
