// Plain manifests for people without Helm: deploy/kubernetes, a kustomize base and one overlay per kind of load balancer.
// `npm run manifests` writes them from the chart, so that both ways to install cannot differ; a test holds that.
//
//   base/         what all overlays have in common
//   overlays/X/   what the combination X of deploy/chart/ci has besides, its namespace, and the two places to edit
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { combinationFiles, renderChart } from './render-chart.ts'
import { writeChart } from './write-chart.ts'

/** Where the manifests are. */
export const manifestsFolder = resolve(import.meta.dirname, 'kubernetes')

/** What a plain installation is called and where its image is, until its user says so. */
export const plain = { namespace: 'edge', image: 'registry.example.com/weir' }

interface Overlay {
  readonly name: string
  readonly title: string
  /** The Pod Security level that its pods meet. */
  readonly level: 'restricted' | 'privileged'
}

/** The overlays: combinations of deploy/chart/ci. */
export const overlays: readonly Overlay[] = [
  {
    name: 'alb-ip',
    title: 'Behind an ALB whose target group has ip targets: pods by their own addresses.',
    level: 'restricted',
  },
  {
    name: 'alb-instance',
    title: 'Behind an ALB whose target group has instance targets: port 9999 of each node.',
    level: 'privileged',
  },
  {
    name: 'nlb-proxy-v2',
    title: 'Behind an NLB that tells the addresses of clients by PROXY protocol v2.',
    level: 'restricted',
  },
  {
    name: 'nlb-tls',
    title:
      'Behind an NLB that passes TCP on: TLS ends at the proxies, which may read the Secrets of all namespaces.',
    level: 'restricted',
  },
]

/** Gives the text of each file of deploy/kubernetes by its path there; `helm` is the program. */
export function manifestFiles(helm: string): ReadonlyMap<string, string> {
  const rendered = overlays.map((overlay) => ({ overlay, documents: render(overlay, helm) }))
  const [first = [], ...rest] = rendered.map(({ documents }) => documents)
  const common = new Set(first.filter((one) => rest.every((others) => others.includes(one))))
  const base = byKind([...common])
  const files = new Map([...base].map(([file, text]) => [`base/${file}`, text]))
  files.set(
    'base/kustomization.yaml',
    kustomization(heading('Common to all overlays.'), [...base.keys()]),
  )
  for (const { overlay, documents } of rendered) {
    const own = byKind(documents.filter((document) => !common.has(document)))
    const folder = `overlays/${overlay.name}`
    for (const [file, text] of own) files.set(`${folder}/${file}`, text)
    files.set(`${folder}/namespace.yaml`, namespaceManifest(overlay))
    files.set(`${folder}/kustomization.yaml`, overlayKustomization(overlay, [...own.keys()]))
  }
  return files
}

/** The documents of an overlay, without what only Helm cares about. */
function render({ name }: Overlay, helm: string): string[] {
  const file = combinationFiles().get(name)
  if (file === undefined) throw new Error(`deploy/chart/ci has no ${name}.yaml`)
  const rendered = renderChart({
    helm,
    namespace: plain.namespace,
    valueFiles: [file],
    noHooks: true,
  })
  if (!rendered.ok) throw new Error(rendered.error)
  return rendered.manifests
    .split(/^---\n/m)
    .map((document) =>
      document
        .replace(/^# Source: .*\n/gm, '')
        .replace(helmLabels, '')
        .trim(),
    )
    .filter((document) => document !== '')
}

const helmLabels = /^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm

/** One file per kind of object, in the order in which they are applied. */
function byKind(documents: readonly string[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const document of documents) {
    const kind = /^kind: (\w+)$/m.exec(document)?.[1] ?? ''
    const file = `${kind.toLowerCase()}.yaml`
    const before = files.get(file)
    files.set(file, before === undefined ? `${document}\n` : `${before}---\n${document}\n`)
  }
  return files
}

function heading(title: string): string {
  return `# ${title}\n# Written by \`npm run manifests\` from deploy/chart.\n`
}

function kustomization(comment: string, resources: readonly string[]): string {
  const list = resources.map((resource) => `  - ${resource}\n`).join('')
  return `${comment}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n${list}`
}

function overlayKustomization({ name, title }: Overlay, files: readonly string[]): string {
  const comment = `${heading(title)}#
#   kubectl apply -k deploy/kubernetes/overlays/${name}
#
# Use it as the base of an overlay of your own that sets the image and the target group as below; the networks
# of the load balancer (10.0.0.0/16 in daemonset.yaml) are set the same way.
`
  return `${kustomization(comment, ['../../base', 'namespace.yaml', ...files])}namespace: ${plain.namespace}
images:
  - name: weir
    newName: ${plain.image}
patches:
  - target: { kind: DaemonSet, name: weir }
    patch: |-
      - op: replace
        path: /spec/template/spec/initContainers/0/args/0
        value: --target-group=${exampleTargetGroup}
`
}

const exampleTargetGroup =
  'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/edge/0123456789abcdef'

function namespaceManifest({ level }: Overlay): string {
  const reason =
    level === 'restricted'
      ? 'The pods meet the strictest level.'
      : 'Ports of the node are allowed on this level only; in everything else the pods meet the restricted one.'
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${plain.namespace}
  labels:
    # ${reason}
    pod-security.kubernetes.io/enforce: ${level}
`
}

/** Lists files of deploy/kubernetes that are not among `files`. */
export function staleManifests(files: ReadonlyMap<string, string>): string[] {
  return readdirSync(manifestsFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(manifestsFolder, join(entry.parentPath, entry.name)))
    .filter((path) => !files.has(path))
}

/** Brings deploy/kubernetes up to date. */
export function writeManifests(helm: string): void {
  const files = manifestFiles(helm)
  mkdirSync(manifestsFolder, { recursive: true })
  for (const path of staleManifests(files)) rmSync(join(manifestsFolder, path))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(manifestsFolder, path)), { recursive: true })
    writeFileSync(join(manifestsFolder, path), text)
  }
}

/** Tells which files of deploy/kubernetes differ from what the chart gives. */
export function outdatedManifests(helm: string): string[] {
  const files = manifestFiles(helm)
  const outdated = [...files].filter(([path, text]) => readText(path) !== text)
  return [...outdated.map(([path]) => path), ...staleManifests(files)]
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(join(manifestsFolder, path), 'utf8')
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  writeChart()
  writeManifests(process.argv[2] ?? 'helm')
}
