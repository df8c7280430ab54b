// What a manifest says: the text of one file in, its objects and what is wrong with it out. Pure.
//
// Invariant: an object that the API server would refuse for its shape (no name, an annotation that is no string) is left
// out and reported; it never stops the other objects of its file.
import { isRecord } from '../kube/error.ts'
import type { KubeObject } from '../kube/objects.ts'
import { readObject } from '../kube/read-object.ts'
import { endpointSlices, type KubeResource } from '../kube/resources.ts'
import type { Problem } from '../problem.ts'
import { parseYamlDocuments } from '../yaml.ts'
import { endpointsToSlices } from './endpoints-to-slices.ts'
import { isWorthSaying, joinUnread, type UnreadKind } from './unread-kinds.ts'

/** The objects of one file, in the order of the text. */
export interface Manifest {
  readonly objects: readonly KubeObject[]
  /** About single objects. */
  readonly problems: readonly Problem[]
  /** Where the text itself is broken; what could be read is in `objects` all the same. */
  readonly errors: readonly Problem[]
  /** What the text holds besides, each kind once. */
  readonly unread: readonly UnreadKind[]
}

const endpoints: KubeResource = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  namespaced: true,
}

/** Versions that clusters no longer serve, and that manifests still hold. */
const retired: ReadonlySet<string> = new Set([
  'extensions/v1beta1',
  'networking.k8s.io/v1beta1',
  'discovery.k8s.io/v1beta1',
])

/** Reads the objects of `resources` in the text of the file at `path`. Endpoints are read as slices. */
export function readManifest(
  path: string,
  text: string,
  resources: readonly KubeResource[],
): Manifest {
  const { documents, errors } = parse(path, text)
  const findings: Findings = { path, resources, objects: [], problems: [], unread: [] }
  // A text that is cut short may be sound YAML: a word, a list. What is no mapping is no manifest.
  const noManifest = documents.filter((document) => !isRecord(document))
  for (const document of documents) {
    if (isRecord(document)) readDocument(findings, document)
  }
  const remedy = 'Correct the file; its last good objects stay.'
  return {
    objects: findings.objects,
    problems: findings.problems,
    unread: joinUnread([findings.unread]),
    errors: [
      ...errors.map(({ line, message }) => unreadable(path, `${path}:${line}`, message, remedy)),
      ...noManifest
        .slice(0, 1)
        .map(() => unreadable(path, '', 'a document in it is no Kubernetes object', remedy)),
    ],
  }
}

/** The problem of a file or folder that cannot be read. */
export function unreadable(path: string, field: string, why: string, remedy: string): Problem {
  const message = `${field === '' ? path : field} cannot be read: ${why.replace(/\.$/, '')}.`
  return {
    reason: 'unreadable-file',
    kind: 'File',
    namespace: '',
    name: path,
    field,
    message,
    remedy,
  }
}

function parse(path: string, text: string): ReturnType<typeof parseYamlDocuments> {
  if (path.endsWith('.json')) {
    try {
      // Much faster than YAML; what is wrong with it is found (with its line) by the other parser.
      return { documents: [JSON.parse(text)], errors: [] }
    } catch {
      return parseYamlDocuments(text)
    }
  }
  return parseYamlDocuments(text)
}

/** What one file gives, as it is being read. */
interface Findings {
  readonly path: string
  readonly resources: readonly KubeResource[]
  readonly objects: KubeObject[]
  readonly problems: Problem[]
  readonly unread: UnreadKind[]
}

function readDocument(findings: Findings, value: Readonly<Record<string, unknown>>): void {
  const { path, resources, objects, problems } = findings
  const { kind, apiVersion, items } = value
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    readList(findings, kind, apiVersion, items)
    return
  }
  const readsEndpoints = kind === endpoints.kind && resources.includes(endpointSlices)
  const resource = readsEndpoints ? endpoints : resources.find((other) => other.kind === kind)
  if (resource === undefined || apiVersion !== resource.apiVersion) {
    if (resource !== undefined && typeof apiVersion === 'string' && retired.has(apiVersion)) {
      const why = `has the apiVersion ${apiVersion}, which clusters no longer serve`
      problems.push(
        invalid(path, value, 'apiVersion', why, `Rewrite it as ${resource.apiVersion}.`),
      )
    } else noteUnread(findings, value)
    return
  }
  const object = readOne(path, value, resource, problems)
  if (object === undefined) return
  if (resource === endpoints) objects.push(...endpointsToSlices(object))
  else objects.push(object)
}

function readList(
  findings: Findings,
  kind: string,
  apiVersion: unknown,
  items: readonly unknown[],
): void {
  // Items of a typed list (`IngressList`) do not say their kind.
  const itemKind = kind.slice(0, -'List'.length)
  for (const [index, item] of items.entries()) {
    if (!isRecord(item)) {
      const why = 'is no Kubernetes object'
      const remedy = 'Give it apiVersion, kind and metadata.'
      findings.problems.push(invalid(findings.path, undefined, `items[${index}]`, why, remedy))
      continue
    }
    const isBare = item.kind === undefined && itemKind !== ''
    readDocument(findings, isBare ? { ...item, kind: itemKind, apiVersion } : item)
  }
}

function noteUnread(
  { path, unread }: Findings,
  { apiVersion, kind, metadata }: Readonly<Record<string, unknown>>,
): void {
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return
  if (!isWorthSaying(apiVersion)) return
  const { name, namespace } = isRecord(metadata) ? metadata : {}
  unread.push({
    apiVersion,
    kind,
    count: 1,
    namespace: typeof namespace === 'string' ? namespace : '',
    name: typeof name === 'string' ? name : 'one without a name',
    path,
  })
}

function readOne(
  path: string,
  value: Readonly<Record<string, unknown>>,
  resource: KubeResource,
  problems: Problem[],
): KubeObject | undefined {
  const metadata = isRecord(value.metadata) ? value.metadata : {}
  for (const field of ['labels', 'annotations'] as const) {
    const wrong = Object.entries(isRecord(metadata[field]) ? metadata[field] : {}).find(
      ([, entry]) => typeof entry !== 'string',
    )
    if (wrong !== undefined) {
      const at = `metadata.${field}["${wrong[0]}"]`
      problems.push(
        invalid(path, value, at, `has a value that is no string in ${at}`, 'Quote the value.'),
      )
      return undefined
    }
  }
  const { namespace, ...rest } = metadata
  const place = resource.namespaced ? { namespace: readNamespace(namespace) } : {}
  const object = readObject(
    { ...value, ...stringData(value), metadata: { ...rest, ...place } },
    resource,
  )
  if (object === undefined) {
    problems.push(invalid(path, value, 'metadata.name', 'has no name', 'Give it a metadata.name.'))
  }
  return object
}

function readNamespace(namespace: unknown): string {
  return typeof namespace === 'string' && namespace !== '' ? namespace : 'default'
}

/** A Secret's plain `stringData`, which the API server writes over `data`. */
function stringData({ kind, data, stringData: plain }: Readonly<Record<string, unknown>>): object {
  if (kind !== 'Secret' || !isRecord(plain)) return {}
  const encoded = Object.entries(plain).map(([key, text]) => [
    key,
    Buffer.from(String(text)).toString('base64'),
  ])
  return { data: { ...(isRecord(data) ? data : {}), ...Object.fromEntries(encoded) } }
}

function invalid(
  path: string,
  value: Readonly<Record<string, unknown>> | undefined,
  field: string,
  why: string,
  remedy: string,
): Problem {
  const metadata = isRecord(value?.metadata) ? value.metadata : {}
  const kind = typeof value?.kind === 'string' ? value.kind : 'File'
  const name = typeof metadata.name === 'string' ? metadata.name : path
  const namespace =
    kind === 'File' || kind === 'IngressClass' ? '' : readNamespace(metadata.namespace)
  const unnamed = kind === 'File' ? field : `One ${kind}`
  const what = name === path ? unnamed : `The ${kind} ${name}`
  return {
    reason: 'invalid-object',
    kind,
    namespace,
    name,
    field,
    message: `${what} in ${path} ${why}.`,
    remedy,
  }
}
