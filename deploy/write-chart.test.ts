import { readFileSync } from 'node:fs'
import t from 'tap'
import { permissionRemedy } from '../shared/feed/named-objects.ts'
import { parseYamlDocuments } from '../shared/yaml.ts'
import { chartSchema } from './chart-schema.ts'
import { chartFiles, staleChartFiles } from './write-chart.ts'

const inChart = (path: string) => readFileSync(new URL(`chart/${path}`, import.meta.url), 'utf8')

for (const [path, content] of chartFiles()) {
  t.test(`the chart's ${path} is current (npm run docs writes it)`, async (t) => {
    t.equal(inChart(path), content)
  })
}

t.test('the chart carries no dashboard that is gone', async (t) => {
  t.strictSame(staleChartFiles(), [])
})

/** The paths of all leaves, without what is below open maps. */
function paths(schema: unknown, path: string): string[] {
  const { properties } = schema as { readonly properties?: Readonly<Record<string, unknown>> }
  if (properties === undefined || path.endsWith('options') || path.endsWith('resources'))
    return [path]
  return Object.entries(properties).flatMap(([key, inner]) => paths(inner, `${path}.${key}`))
}

t.test('every value of the schema has its default and place in values.yaml', async (t) => {
  const [values] = parseYamlDocuments(inChart('values.yaml')).documents
  const optional = /Probe\.|^\.affinity\./
  for (const path of paths(chartSchema(), '')) {
    if (optional.test(path)) continue
    let at = values
    for (const key of path.split('.').slice(1)) {
      t.ok(at instanceof Object && Object.hasOwn(at, key), `${path} is in values.yaml`)
      at = at instanceof Object ? Object.entries(at).find(([name]) => name === key)?.[1] : undefined
    }
  }
})

t.test(
  'what a proxy says to set when it may not read a Secret is a value of the chart',
  async (t) => {
    const known = paths(chartSchema(), '')
    const said = permissionRemedy({ kind: 'Secret', namespace: 'shop', name: 'users' })
    const named = said.match(/(?<![\w.])proxy(\.\w+)+/g) ?? []
    t.strictSame(named, ['proxy.secrets.access', 'proxy.secrets.namespaces', 'proxy.secrets.names'])
    for (const path of named) t.ok(known.includes(`.${path}`), path)
  },
)

t.test('options that the chart sets itself are refused, all others are known', async (t) => {
  const schema = JSON.stringify(chartSchema())
  t.match(schema, '"retries":{')
  t.match(schema, '"min-targets":{')
  t.notMatch(schema, '"control-socket"')
  t.notMatch(schema, '"kubeconfig"')
})
