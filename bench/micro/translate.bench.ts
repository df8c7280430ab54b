// What does it cost the control thread to translate 1,000 and 16,000 Ingresses, first as a whole and then one change at a time?
// Run with --expose-gc to see the memory, too.
import { diffTables } from '../../shared/routing/delta.ts'
import {
  backendOf,
  type Cluster,
  change,
  largeCluster,
  plainOptions,
  sliceOf,
  snapshotOf,
} from '../../shared/routing/testing/cluster.ts'
import { createTranslator } from '../../shared/routing/translate.ts'

const steps = 40

function heapMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1e6
}

function bench(count: number): void {
  const before = heapMb()
  const cluster = largeCluster(count)
  const objectsMb = heapMb() - before
  const { classRules, externalNames } = plainOptions
  const translator = createTranslator({ classRules, externalNames })
  const next = (of: Cluster) => translator.translate(snapshotOf(of))
  const start = performance.now()
  let last = next(cluster)
  const firstMs = performance.now() - start
  const tableMb = heapMb() - before - objectsMb
  report(`${count} Ingresses, first translation`, firstMs)
  console.log(`  objects ${objectsMb.toFixed(1)} MB, translation ${tableMb.toFixed(1)} MB`)

  const run = (name: string, snapshots: readonly Cluster[]) => {
    const times = snapshots.map((snapshot, index) => {
      const began = performance.now()
      const result = next(snapshot)
      diffTables(last.table, result.table, index)
      last = result
      return performance.now() - began
    })
    times.sort((a, b) => a - b)
    report(`${name}: median`, times[steps / 2] ?? 0)
    report(`${name}: worst (the first runs cold)`, times.at(-1) ?? 0)
  }
  const indices = Array.from({ length: steps }, (_, index) => index)
  run(
    '  one slice changes',
    indices.map((index) => {
      const object = sliceOf(`web-${index}`, `ns-${index % 100}`, count + index)
      return change(cluster, [{ kind: 'endpointSlices', name: `web-${index}-1`, object }])
    }),
  )
  run(
    '  one Ingress comes',
    indices.map((index) => {
      const object = {
        metadata: { name: `more-${index}`, namespace: 'ns-1' },
        spec: { ingressClassName: 'weir', defaultBackend: backendOf('web-1') },
      }
      return change(cluster, [{ kind: 'ingresses', name: `more-${index}`, object }])
    }),
  )
}

function report(name: string, ms: number): void {
  console.log(`${name.padEnd(58)} ${ms.toFixed(2).padStart(9)} ms`)
}

bench(1_000)
bench(16_000)
