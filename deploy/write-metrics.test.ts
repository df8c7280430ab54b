import { readFileSync } from 'node:fs'
import t from 'tap'
import { renderMetrics } from './write-metrics.ts'

const page = await renderMetrics()

t.test('docs/metrics.md lists the metrics as they are (npm run docs writes it)', async (t) => {
  t.equal(readFileSync(new URL('../docs/metrics.md', import.meta.url), 'utf8'), page)
})

t.test('a metric shows its labels', async (t) => {
  t.match(page, '| `weir_failures_total` | counter | `ingress`, `namespace`, `service`, `code` |')
  t.match(page, '| `weir_targets` | gauge | `group`, `state` |')
  t.match(page, '| `weir_worker_loop_delay_seconds` | histogram | `worker` |')
})
