// A real Prometheus on loopback: started with our rules and some targets, asked through its API, ended by its own id.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYamlDocuments } from '../../shared/yaml.ts'
import {
  freePort,
  makeFolder,
  type Spawned,
  spawnProgram,
  waitForPort,
} from '../support/programs.ts'

/** Something to scrape, and the labels that Kubernetes would give it. */
export interface ScrapeTarget {
  readonly port: number
  readonly labels: Readonly<Record<string, string>>
}

/** One series of a range: times in seconds since the epoch. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

/** A span of time, in seconds since the epoch. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly step: number
}

/** A running Prometheus. */
export interface Prometheus {
  /** Asks for a query's values over a span; throws with Prometheus's words when the query is wrong. */
  range(query: string, span: Span): Promise<RangeSeries[]>
  stop(): Promise<void>
}

/** What the chart's monitors do with `metrics-like`, as Prometheus itself writes it. */
function relabelings(): readonly object[] {
  const file = new URL('../../deploy/chart/files/nginx-relabelings.yaml', import.meta.url)
  const [rules] = parseYamlDocuments(readFileSync(file, 'utf8')).documents as [readonly object[]]
  return rules.map((rule) =>
    Object.fromEntries(
      Object.entries(rule).map(([key, value]) => [
        key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        value,
      ]),
    ),
  )
}

/** Starts Prometheus; it scrapes every second and evaluates `rulesFile` as often. */
export async function startPrometheus(
  program: string,
  rulesFile: string,
  targets: readonly ScrapeTarget[],
): Promise<Prometheus> {
  const port = await freePort()
  const folder = makeFolder('prometheus', {
    'prometheus.json': JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: [
        {
          job_name: 'edge/weir',
          // As the chart's monitors do: `namespace` and `service` of a request are not those of the proxy.
          honor_labels: true,
          metric_relabel_configs: relabelings(),
          static_configs: targets.map((target) => ({
            targets: [`127.0.0.1:${target.port}`],
            labels: target.labels,
          })),
        },
      ],
    }),
  })
  mkdirSync(join(folder, 'data'))
  const spawned: Spawned = spawnProgram(
    program,
    [
      `--config.file=${join(folder, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
  )
  await waitForPort(port, spawned)
  return {
    async range(query, { from, to, step }) {
      const form = { query, start: String(from), end: String(to), step: String(step) }
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query_range`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      // Prometheus's own form of answers.
      const answer = (await response.json()) as {
        readonly error?: string
        readonly data?: {
          readonly result: readonly {
            readonly metric: Readonly<Record<string, string>>
            readonly values: readonly [number, string][]
          }[]
        }
      }
      if (answer.data === undefined) throw new Error(`${answer.error}: ${query}`)
      return answer.data.result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([seconds, value]) => [seconds, Number(value)] as const),
      }))
    },
    stop: spawned.stop,
  }
}
