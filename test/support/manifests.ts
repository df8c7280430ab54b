// Kubernetes objects for `--manifests`: short ways to make them, and a temporary folder to write them to.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  EndpointSlice,
  Ingress,
  IngressPath,
  KubeObject,
  Service,
} from '../../shared/kube/objects.ts'

/** A folder of manifests. */
export interface ManifestFolder {
  readonly path: string
  /** Writes a file whole, by renaming, so that no reader sees half of it; objects become a List, text is kept. */
  write(file: string, content: readonly KubeObject[] | string): void
  remove(file: string): void
  /** Deletes the folder. */
  dispose(): void
}

/** Makes a temporary folder, with `objects` in its first file. */
export function createManifestFolder(objects: readonly KubeObject[] = []): ManifestFolder {
  const path = mkdtempSync(join(tmpdir(), 'weir-manifests-'))
  const outside = mkdtempSync(join(tmpdir(), 'weir-manifests-new-'))
  const folder: ManifestFolder = {
    path,
    write(file, content) {
      const text = typeof content === 'string' ? content : toList(content)
      writeFileSync(join(outside, file), text)
      renameSync(join(outside, file), join(path, file))
    },
    remove: (file) => rmSync(join(path, file), { force: true }),
    dispose() {
      for (const each of [path, outside]) rmSync(each, { recursive: true, force: true })
    },
  }
  if (objects.length > 0) folder.write('objects.json', objects)
  return folder
}

function toList(items: readonly KubeObject[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}

/** One rule: `path` (Prefix) of `host` goes to port 80 of `service`. */
export interface RuleSketch {
  readonly host?: string
  readonly path?: string
  readonly pathType?: string
  readonly service: string
}

/** Makes an Ingress of class `weir` in namespace `default`. */
export function ingressOf(
  name: string,
  rules: readonly RuleSketch[],
  annotations: Readonly<Record<string, string>> = {},
): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'default', annotations },
    spec: {
      ingressClassName: 'weir',
      rules: rules.map(({ host, path = '/', pathType = 'Prefix', service }) => {
        const paths: IngressPath[] = [
          { path, pathType, backend: { service: { name: service, port: { number: 80 } } } },
        ]
        return host === undefined ? { http: { paths } } : { host, http: { paths } }
      }),
    },
  }
}

/** Makes a Service with port 80 and the slices that name its endpoints, one slice per port number. */
export function serviceOf(
  name: string,
  endpoints: readonly { readonly address: string; readonly port: number }[],
  namespace = 'default',
): readonly (Service | EndpointSlice)[] {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }] },
  }
  const byPort = [...Map.groupBy(endpoints, ({ port }) => port)]
  const slices = byPort.map(
    ([port, group]): EndpointSlice => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-${port}`,
        namespace,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port, protocol: 'TCP' }],
      endpoints: group.map(({ address }) => ({
        addresses: [address],
        conditions: { ready: true },
      })),
    }),
  )
  return [service, ...slices]
}
