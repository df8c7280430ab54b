// What does the chart make of values? Calls helm, which reads the chart and nothing else: no cluster, no repository.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

const chart = resolve(import.meta.dirname, 'chart')

/** Helm built from source takes itself for Kubernetes 1.20. */
export const kubeVersion = '1.35.0'

/** Values to render with. */
export interface RenderOptions {
  /** The helm program. */
  readonly helm: string
  readonly namespace: string
  readonly valueFiles?: readonly string[]
  /** `key=value`, as for `--set`. */
  readonly sets?: readonly string[]
  /** Leaves out what only `helm test` uses. */
  readonly noHooks?: boolean
}

/** What became of it: manifests, or helm's complaint. */
export type Rendered =
  | { readonly ok: true; readonly manifests: string }
  | { readonly ok: false; readonly error: string }

/** Renders the chart as release `weir`. */
export function renderChart(options: RenderOptions): Rendered {
  const { helm, namespace, valueFiles = [], sets = [], noHooks = false } = options
  const { status, stdout, stderr, error } = spawnSync(
    helm,
    [
      ...['template', 'weir', chart, '--namespace', namespace, '--kube-version', kubeVersion],
      ...valueFiles.flatMap((file) => ['--values', file]),
      ...sets.flatMap((set) => ['--set', set]),
      ...(noHooks ? ['--no-hooks'] : []),
    ],
    { encoding: 'utf8', maxBuffer: 64 << 20 },
  )
  if (error !== undefined) throw error
  return status === 0 ? { ok: true, manifests: stdout } : { ok: false, error: stderr }
}

/** The value files of deploy/chart/ci by their names without the ending. */
export function combinationFiles(): ReadonlyMap<string, string> {
  const folder = join(chart, 'ci')
  return new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .map((file) => [basename(file, '.yaml'), join(folder, file)]),
  )
}
