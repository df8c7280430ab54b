// The API's own schemas in the form that kubeconform reads, from the Go modules that publish them: no web, no cluster.
// Closed: a field that the API does not know is an error, as it is for `kubectl apply` with strict validation.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { parseYamlDocuments } from '../../shared/yaml.ts'

const operatorModule = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'

/** What kubeconform fills in to find a schema. */
export const schemaLocation = '{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json'

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** Writes the schemas of all kinds among `objects` into `folder`; throws for a kind that nobody publishes. */
export function writeSchemas(folder: string, objects: readonly KubeObject[]): void {
  const kinds = new Map(objects.map((object) => [`${object.apiVersion} ${object.kind}`, object]))
  for (const { apiVersion = '', kind = '' } of kinds.values()) {
    const [first = '', second] = apiVersion.split('/')
    const wanted =
      second === undefined
        ? { group: '', version: first, kind }
        : { group: first, version: second, kind }
    const schema =
      wanted.group === 'monitoring.coreos.com' ? operatorSchema(wanted) : kubernetesSchema(wanted)
    // kubeconform takes the version for the group where there is none.
    const file = `${wanted.group || wanted.version}_${wanted.version}_${kind.toLowerCase()}.json`
    writeFileSync(join(folder, file), JSON.stringify(schema))
  }
}

function kubernetesSchema({ group, version, kind }: Kind): unknown {
  const file =
    group === '' ? `api__${version}_openapi.json` : `apis__${group}__${version}_openapi.json`
  const path = join(moduleFolder(kubernetesModule()), 'api/openapi-spec/v3', file)
  const { components } = readJson(path)
  const schemas = isRecord(components) && isRecord(components.schemas) ? components.schemas : {}
  const [name] =
    Object.entries(schemas).find(([, schema]) => isOfKind(schema, { group, version, kind })) ?? []
  if (name === undefined) throw new Error(`${path} has no ${kind}`)
  return { $ref: `#/components/schemas/${name}`, components: close(components) }
}

function operatorSchema({ version, kind }: Kind): unknown {
  const folder = join(moduleFolder(operatorModule), 'example/prometheus-operator-crd')
  const file = readdirSync(folder).find((name) => name.endsWith(`_${kind.toLowerCase()}s.yaml`))
  if (file === undefined) throw new Error(`${folder} has no ${kind}`)
  const [crd] = parseYamlDocuments(readFileSync(join(folder, file), 'utf8')).documents
  const spec = isRecord(crd) && isRecord(crd.spec) ? crd.spec : {}
  const versions: unknown[] = Array.isArray(spec.versions) ? spec.versions : []
  const served = versions.find((one) => isRecord(one) && one.name === version)
  if (!isRecord(served) || !isRecord(served.schema)) throw new Error(`${file} has no ${version}`)
  const schema = served.schema.openAPIV3Schema
  if (!isRecord(schema) || !isRecord(schema.properties)) throw new Error(`${file} has no schema`)
  // A CRD says nothing about metadata; everything else is closed.
  return { ...close({ ...schema, properties: { ...schema.properties, metadata: {} } }) }
}

function isOfKind(schema: unknown, wanted: Kind): boolean {
  const kinds = isRecord(schema) ? schema['x-kubernetes-group-version-kind'] : undefined
  return (
    Array.isArray(kinds) &&
    kinds.length === 1 &&
    isRecord(kinds[0]) &&
    kinds[0].group === wanted.group &&
    kinds[0].version === wanted.version &&
    kinds[0].kind === wanted.kind
  )
}

/** Forbids fields that are not named, wherever fields are named; turns the API's own extensions into JSON Schema. */
function close(schema: unknown): Readonly<Record<string, unknown>> {
  const closed = closeAny(schema)
  return isRecord(closed) ? closed : {}
}

function closeAny(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closeAny)
  if (!isRecord(schema)) return schema
  const entries = Object.entries(schema).map(([key, value]) => [key, closeAny(value)])
  const copy: Record<string, unknown> = Object.fromEntries(entries)
  if (schema['x-kubernetes-int-or-string'] === true) delete copy.type
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
  const isObject = schema.type === 'object' && isRecord(schema.properties)
  if (isObject && !isOpen && schema.additionalProperties === undefined)
    copy.additionalProperties = false
  return copy
}

/** The version that the cluster test runs. */
function kubernetesModule(): string {
  const goMod = readFileSync(join(import.meta.dirname, '../cluster/apiserver/go.mod'), 'utf8')
  const [, version] = /k8s\.io\/kubernetes (v\S+)/.exec(goMod) ?? []
  if (version === undefined) throw new Error('test/cluster/apiserver/go.mod names no Kubernetes')
  return `k8s.io/kubernetes@${version}`
}

const folders = new Map<string, string>()

/** Where Go keeps a module; fetched by the first use on a machine. */
function moduleFolder(module: string): string {
  const known = folders.get(module)
  if (known !== undefined) return known
  const { stdout, stderr, status } = spawnSync('go', ['mod', 'download', '-json', module], {
    cwd: '/',
    encoding: 'utf8',
  })
  const answer: unknown = status === 0 ? JSON.parse(stdout) : undefined
  if (!isRecord(answer) || typeof answer.Dir !== 'string') {
    throw new Error(`go cannot fetch ${module}: ${stdout}${stderr}`)
  }
  folders.set(module, answer.Dir)
  return answer.Dir
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
