// What the cluster's owner does: creates, applies and deletes objects of any kind, with every right.
import { systemClock } from '../../shared/clock.ts'
import { createKubeClient, type KubeClient } from '../../shared/kube/client.ts'
import { isRecord, type KubeResult } from '../../shared/kube/error.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'

/** How the API server is reached with a fixed token. */
export interface Way {
  readonly url: string
  readonly token: string
  readonly ca: string
}

/** A client with a fixed token. */
export function clientOf({ url, token, ca }: Way): KubeClient {
  const auth = { headers: { authorization: `Bearer ${token}` }, tls: { ca } }
  const config = {
    server: url,
    namespace: 'default',
    auth: async () => auth,
    forget: () => undefined,
  }
  return createKubeClient(config, { clock: systemClock, userAgent: 'test' })
}

/** The owner of the cluster. */
export interface Admin {
  readonly client: KubeClient
  /** Server-side apply with strict validation; gives the object as stored, or as it would be with `dryRun`. */
  apply(object: KubeObject, options?: { readonly dryRun?: boolean }): Promise<KubeResult<unknown>>
  /** Applies all, one after the other; throws with the API server's words when one is refused. */
  applyAll(objects: readonly KubeObject[]): Promise<KubeObject[]>
  /** Deletes; that it is not there is fine. */
  remove(object: KubeObject, graceSeconds?: number): Promise<void>
  createNamespaces(names: Iterable<string>): Promise<void>
  close(): Promise<void>
}

interface Kind {
  readonly plural: string
  readonly namespaced: boolean
}

/** Opens the owner's way in. */
export function createAdmin(way: Way): Admin {
  const client = clientOf(way)
  const groups = new Map<string, ReadonlyMap<string, Kind>>()

  async function kindOf(apiVersion: string, kind: string): Promise<Kind> {
    let kinds = groups.get(apiVersion)
    if (kinds?.has(kind) !== true) {
      const answer = await client.request({ method: 'GET', path: rootOf(apiVersion) })
      if (!answer.ok) throw new Error(`${apiVersion}: ${answer.error.message}`)
      kinds = readKinds(answer.body)
      groups.set(apiVersion, kinds)
    }
    const found = kinds.get(kind)
    if (found === undefined) throw new Error(`the API server knows no ${kind} of ${apiVersion}`)
    return found
  }

  async function pathOf({ apiVersion = '', kind = '', metadata }: KubeObject): Promise<string> {
    const { plural, namespaced } = await kindOf(apiVersion, kind)
    const { namespace = 'default', name = '' } = metadata ?? {}
    const place = namespaced ? `/namespaces/${namespace}` : ''
    return `${rootOf(apiVersion)}${place}/${plural}/${name}`
  }

  const admin: Admin = {
    client,
    async apply(object, { dryRun = false } = {}) {
      return client.request({
        method: 'PATCH',
        path: await pathOf(object),
        query: {
          fieldManager: 'test',
          force: true,
          fieldValidation: 'Strict',
          dryRun: dryRun ? 'All' : undefined,
        },
        // JSON is YAML.
        contentType: 'application/apply-patch+yaml',
        body: object,
      })
    },
    async applyAll(objects) {
      const stored: KubeObject[] = []
      for (const object of objects) {
        const answer = await admin.apply(object)
        const { kind, metadata } = object
        if (!answer.ok) throw new Error(`${kind} ${metadata?.name}: ${answer.error.message}`)
        // The answer to an accepted apply is the object.
        stored.push(answer.body as KubeObject)
      }
      return stored
    },
    async remove(object, graceSeconds) {
      const answer = await client.request({
        method: 'DELETE',
        path: await pathOf(object),
        query: { gracePeriodSeconds: graceSeconds },
      })
      if (!answer.ok && answer.error.status !== 404) throw new Error(answer.error.message)
    },
    async createNamespaces(names) {
      const objects = [...new Set(names)].map((name) => ({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      }))
      await admin.applyAll(objects)
    },
    close: () => client.close(),
  }
  return admin
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

function readKinds(body: unknown): ReadonlyMap<string, Kind> {
  const list: unknown = isRecord(body) ? body.resources : undefined
  const kinds = new Map<string, Kind>()
  for (const entry of Array.isArray(list) ? list : []) {
    if (!isRecord(entry)) continue
    const { name, kind, namespaced } = entry
    // Subresources are listed by the same kind.
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/')) continue
    kinds.set(kind, { plural: name, namespaced: namespaced === true })
  }
  return kinds
}
