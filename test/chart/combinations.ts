// Every combination of values in deploy/chart/ci, rendered: what these tests check and what the cluster test applies.
import { combinationFiles, renderChart } from '../../deploy/render-chart.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { parseYamlDocuments } from '../../shared/yaml.ts'
import { findTool } from './tools.ts'

/** The namespace that combinations are rendered for; `one-namespace` needs the namespace `shop` as well. */
export const namespace = 'edge'

/** One rendered combination. */
export interface Combination {
  readonly name: string
  /** YAML documents, those of `helm test` included. */
  readonly manifests: string
  readonly objects: readonly KubeObject[]
}

/** Renders all combinations; throws what helm says when one cannot be rendered, or when helm is missing. */
export function renderCombinations(): Combination[] {
  const helm = findTool('helm')
  if (helm === undefined) throw new Error('helm is missing: run deploy/install-tools.sh')
  return [...combinationFiles()].map(([name, file]) => {
    const rendered = renderChart({ helm, namespace, valueFiles: [file] })
    if (!rendered.ok) throw new Error(`${name}: ${rendered.error}`)
    return { name, manifests: rendered.manifests, objects: parseObjects(rendered.manifests) }
  })
}

/** Reads YAML documents as Kubernetes objects; throws when they are no YAML. */
export function parseObjects(manifests: string): KubeObject[] {
  const { documents, errors } = parseYamlDocuments(manifests)
  const [error] = errors
  if (error !== undefined) throw new Error(`line ${error.line}: ${error.message}`)
  return documents.flatMap((document) =>
    // What the chart renders is checked against the API's schemas elsewhere.
    document === null ? [] : [document as KubeObject],
  )
}
