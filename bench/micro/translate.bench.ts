// What does one change among 1,000 and 16,000 Ingresses cost the control thread, from the event of a watch to the delta for the
// workers: store, snapshot, claims, routes, upstreams, external names, problems, delta, metrics? And the first table of all?
// A mean of CPU time is not disturbed by others on the machine, and holds collections of garbage; a median is of the clock. Run with --expose-gc to see the memory, too.

import { createExternalNames } from '../../proxy/control/resolvers/external-names.ts'
import { type TableChange, TableKeeper } from '../../proxy/control/table-keeper.ts'
import { createProxyMetrics } from '../../proxy/observe/metrics-registry.ts'
import { systemClock } from '../../shared/clock.ts'
import { createObjectStore, type ObjectStore } from '../../shared/kube/object-store.ts'
import type { Ingress, KubeObject, ObjectMeta } from '../../shared/kube/objects.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  type KubeResource,
  services,
} from '../../shared/kube/resources.ts'
import { createSnapshot } from '../../shared/kube/snapshot.ts'
import type { Log } from '../../shared/log.ts'
import {
  backendOf,
  largeCluster,
  plainOptions,
  sliceOf,
} from '../../shared/routing/testing/cluster.ts'
import { createTranslator } from '../../shared/routing/translate.ts'

const steps = 100
const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
}

function heapMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1e6
}

/** CPU time of this thread; the system counts in steps of some ms. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** The control thread without its threads and connections. `apply` is one event; it gives how long it took in ms. */
function createControlThread() {
  const stores = new Map<KubeResource, ObjectStore<KubeObject>>()
  const lists = new Map<KubeResource, readonly KubeObject[]>()
  for (const resource of [ingresses, ingressClasses, services, endpointSlices]) {
    stores.set(resource, createObjectStore())
    lists.set(resource, [])
  }
  const clock = systemClock
  const metrics = createProxyMetrics({
    clock,
    version: 'bench',
    maxConnections: 1,
    watchAges: () => ({}),
    nodeMetrics: false,
  })
  const { classRules, externalNames } = plainOptions
  const translator = createTranslator({ classRules, externalNames })
  const names = createExternalNames({
    clock,
    log: silent,
    resolve: () => Promise.resolve([]),
    onChange: () => {},
  })
  const changes: TableChange[] = []
  const keeper = new TableKeeper({
    // Each event is taken at once: the pause after a pass is not what is measured.
    clock: { ...clock, now: () => 0 },
    log: silent,
    translate: (snapshot) => translator.translate(snapshot),
    complete: (table) => names.complete(table),
    problemsOfCompletion: () => names.problems(),
    onTable: (change) => {
      metrics.setTable(change.table)
      changes.push(change)
    },
    onProblems: (problems) => metrics.setProblems(problems),
  })
  const publish = (resource: KubeResource) => {
    lists.set(resource, stores.get(resource)?.list() ?? [])
    keeper.take({ snapshot: createSnapshot(lists), problems: [], eventAtMs: 0 })
  }
  return {
    changes,
    fill(resource: KubeResource, objects: readonly KubeObject[]) {
      stores.get(resource)?.replace(objects)
      lists.set(resource, stores.get(resource)?.list() ?? [])
    },
    publish,
    apply(resource: KubeResource, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject) {
      const began = performance.now()
      stores.get(resource)?.apply(type, object, '')
      publish(resource)
      return performance.now() - began
    },
  }
}

function bench(count: number): void {
  const before = heapMb()
  const cluster = largeCluster(count)
  const objectsMb = heapMb() - before
  const thread = createControlThread()
  thread.fill(ingresses, cluster.ingresses)
  thread.fill(services, cluster.services)
  thread.fill(endpointSlices, cluster.endpointSlices)
  const start = threadMs()
  thread.publish(ingressClasses)
  report(`${count} Ingresses, the first table`, threadMs() - start)
  const tableMb = heapMb() - before - objectsMb
  console.log(
    `  objects ${objectsMb.toFixed(1)} MB, all that is made of them ${tableMb.toFixed(1)} MB`,
  )

  const run = (name: string, change: (index: number) => number) => {
    const seen = thread.changes.length
    const began = threadMs()
    const times = Array.from({ length: steps }, (_, index) => change(index))
    const meanMs = (threadMs() - began) / steps
    if (thread.changes.length !== seen + steps) throw new Error('a change made no delta')
    times.sort((a, b) => a - b)
    report(`  ${name}: median`, times[steps / 2] ?? 0)
    report(`  ${name}: mean of CPU time`, meanMs)
  }
  // Not neighbours: a change is looked for in the whole list.
  const place = (index: number) => (index * 7919) % count
  run('one slice changes', (index) => {
    const slice = sliceOf(`web-${place(index)}`, `ns-${place(index) % 100}`, count + index)
    return thread.apply(endpointSlices, 'MODIFIED', slice)
  })
  run('one Ingress changes', (index) => {
    const { metadata = {} } = cluster.ingresses[place(index)] ?? {}
    const { host } = cluster.ingresses[place(index)]?.spec?.rules?.[0] ?? {}
    return thread.apply(
      ingresses,
      'MODIFIED',
      ingressOf(metadata, `${host}`, `/v${index}`, `web-${place(index)}`),
    )
  })
  const more = (index: number) =>
    ingressOf({ name: `more-${index}`, namespace: 'ns-1' }, `more-${index}.test`, '/', 'web-1')
  run('one Ingress comes', (index) => thread.apply(ingresses, 'ADDED', more(index)))
  run('one Ingress goes', (index) => thread.apply(ingresses, 'DELETED', more(index)))
}

function ingressOf(metadata: ObjectMeta, host: string, path: string, service: string): Ingress {
  const paths = [{ path, pathType: 'Prefix', backend: backendOf(service) }]
  return { metadata, spec: { ingressClassName: 'weir', rules: [{ host, http: { paths } }] } }
}

function report(name: string, ms: number): void {
  console.log(`${name.padEnd(58)} ${ms.toFixed(2).padStart(9)} ms`)
}

bench(1_000)
bench(16_000)
