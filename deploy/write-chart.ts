// What in the chart comes from elsewhere in the project? The schema of its values, its version, the alert rules and the
// dashboards: Helm reads nothing outside the chart. `npm run docs` writes them, a test holds that they are current.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { chartSchema } from './chart-schema.ts'

const root = resolve(import.meta.dirname, '..')
const chart = join(root, 'deploy/chart')
const dashboards = join(chart, 'files/dashboards')

/** Gives the text of each such file, by its path in the chart. */
export function chartFiles(): ReadonlyMap<string, string> {
  const files = new Map([
    ['values.schema.json', `${JSON.stringify(chartSchema(), undefined, 2)}\n`],
    ['Chart.yaml', withVersion(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))],
  ])
  for (const [from, pattern, to] of copies) {
    for (const file of filesLike(join(root, from), pattern)) {
      files.set(`${to}/${file}`, readFileSync(join(root, from, file), 'utf8'))
    }
  }
  return files
}

const copies = [
  ['deploy/prometheus', /^rules\.yaml$/, 'files'],
  ['deploy/grafana', /\.json$/, 'files/dashboards'],
] as const

/** Lists files of the chart that nothing in the project stands for any more. */
export function staleChartFiles(): string[] {
  const current = new Set([...chartFiles().keys()].map((path) => basename(path)))
  return filesLike(dashboards, /./).filter((file) => !current.has(file))
}

/** Chart and program are released together. */
function withVersion(chartYaml: string): string {
  // Written by npm, which checks the field.
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  return chartYaml.replace(/^(version|appVersion): .*$/gm, `$1: ${version}`)
}

function filesLike(folder: string, pattern: RegExp): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((file) => pattern.test(file)) : []
}

/** Brings the chart up to date. */
export function writeChart(): void {
  for (const [path, content] of chartFiles()) {
    mkdirSync(dirname(join(chart, path)), { recursive: true })
    writeFileSync(join(chart, path), content)
  }
  for (const file of staleChartFiles()) rmSync(join(dashboards, file))
}

if (import.meta.main) writeChart()
