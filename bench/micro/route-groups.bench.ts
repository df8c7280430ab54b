// What do 20,000 routes of RouteGroups cost the control thread: the first table of all, and one change of a group, from objects to
// the delta for the workers? Each route has two predicates and five filters. `node bench/micro/route-groups.bench.ts`
import type { RouteGroup } from '../../shared/kube/objects.ts'
import { endpointSlices, routeGroups, services } from '../../shared/kube/resources.ts'
import { createSnapshot } from '../../shared/kube/snapshot.ts'
import { noteEdits } from '../../shared/list-diff.ts'
import { diffTables } from '../../shared/routing/delta.ts'
import { emptyTable } from '../../shared/routing/table.ts'
import { plainOptions } from '../../shared/routing/testing/cluster.ts'
import { createTranslator } from '../../shared/routing/translate.ts'

const groupCount = 2000
const serviceCount = 500
const routesEach = 10
const steps = 50

function groupOf(number: number, version: number): RouteGroup {
  const routes = Array.from({ length: routesEach }, (_, at) => ({
    pathSubtree: `/api/${at}`,
    predicates: [`Header("X-Version", "${version}")`, 'Cookie("beta", "^on$")'],
    filters: [
      `setRequestHeader("X-A", "${number}")`,
      'setRequestHeader("X-B", "2")',
      'dropRequestHeader("X-C")',
      'setResponseHeader("X-D", "3")',
      'dropResponseHeader("X-E")',
    ],
    backends: [{ backendName: 'web' }],
  }))
  return {
    kind: 'RouteGroup',
    metadata: {
      namespace: 'shop',
      name: `group-${number}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      hosts: [`host-${number}.test`],
      backends: [{ name: 'web', serviceName: `web-${number % serviceCount}`, servicePort: 80 }],
      routes,
    },
  }
}

const names = Array.from({ length: serviceCount }, (_, at) => `web-${at}`)
const others = [
  [
    services,
    names.map((name) => ({
      metadata: { namespace: 'shop', name },
      spec: { ports: [{ port: 80 }] },
    })),
  ],
  [
    endpointSlices,
    names.map((name) => ({
      metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [{ port: 80 }],
    })),
  ],
] as const
const { classRules, externalNames } = plainOptions
const translator = createTranslator({ classRules, externalNames })
let groups: readonly RouteGroup[] = Array.from({ length: groupCount }, (_, at) => groupOf(at, 1))

const began = performance.now()
let table = translator.translate(createSnapshot([[routeGroups, groups], ...others])).table
diffTables(emptyTable, table, 1)
console.log(`${groupCount * routesEach} routes: ${(performance.now() - began).toFixed(0)} ms`)

const took: number[] = []
for (let step = 0; step < steps; step += 1) {
  const at = (step * 37) % groupCount
  const changed = groupOf(at, step + 2)
  const next = groups.with(at, changed)
  noteEdits(groups, next, [{ at, removed: 1, added: [changed] }])
  const start = performance.now()
  const after = translator.translate(createSnapshot([[routeGroups, next], ...others])).table
  diffTables(table, after, step + 2)
  took.push(performance.now() - start)
  table = after
  groups = next
}
took.sort((a, b) => a - b)
console.log(
  `one change: median ${took[steps / 2]?.toFixed(2)} ms, most ${took.at(-1)?.toFixed(2)} ms`,
)
