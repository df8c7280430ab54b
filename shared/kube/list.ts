// One complete list of a collection, page by page.
//
// Invariant: gives all pages or an error; never a part.
import { invalidBody, isRecord, type KubeError, type KubeResult } from './error.ts'
import type { KubeObject } from './objects.ts'
import { readObject } from './read-object.ts'
import { type KubeResource, resourcePath } from './resources.ts'
import type { Transport } from './transport.ts'
import type { Selection } from './watch.ts'

/** All objects of a selection as of one version of the collection. */
export interface KubeList<T extends KubeObject> {
  readonly items: readonly T[]
  readonly resourceVersion: string
}

export interface ListOptions extends Selection {
  readonly signal?: AbortSignal
  /** For each page. */
  readonly timeoutMs?: number
}

/** Page sizes of the attempts: pages may expire underway; the last attempt asks for everything in one piece. */
const pageLimits = [500, 500, undefined]

/** Reads the whole selection; starts over when pages expire underway (410). */
export async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: KubeResource<T>,
  options: ListOptions,
): Promise<KubeResult<KubeList<T>>> {
  for (const limit of pageLimits) {
    const list = await listPages(transport, resource, options, limit)
    if (list !== 'expired') return list
  }
  return {
    ok: false,
    error: {
      status: 410,
      reason: 'Expired',
      message: 'the pages of the list expire while it is read',
    },
  }
}

async function listPages<T extends KubeObject>(
  transport: Transport,
  resource: KubeResource<T>,
  options: ListOptions,
  limit: number | undefined,
): Promise<KubeResult<KubeList<T>> | 'expired'> {
  const items: T[] = []
  let token: string | undefined
  for (;;) {
    const { labelSelector, fieldSelector } = options
    const answer = await transport.send({
      method: 'GET',
      path: resourcePath(resource, options),
      query: { limit, continue: token, labelSelector, fieldSelector },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
    if (!answer.ok) return token !== undefined && answer.error.status === 410 ? 'expired' : answer
    const page = readPage(answer.body, resource, items)
    if ('status' in page) return { ok: false, error: page }
    if (page.token === '') {
      return { ok: true, status: 200, body: { items, resourceVersion: page.resourceVersion } }
    }
    token = page.token
  }
}

/** Appends the objects of one page to `items`. */
function readPage<T extends KubeObject>(
  body: unknown,
  resource: KubeResource<T>,
  items: T[],
): { readonly token: string; readonly resourceVersion: string } | KubeError {
  if (!isRecord(body) || !isRecord(body.metadata)) return invalidBody(200, 'the list is no list')
  const { resourceVersion } = body.metadata
  const token = body.metadata.continue
  // Go writes an empty list as null; a missing one means that this is something else.
  const list: unknown = body.items === null ? [] : body.items
  if (!Array.isArray(list) || typeof resourceVersion !== 'string') {
    return invalidBody(200, 'the list has no items or no version')
  }
  for (const value of list) {
    const object = readObject(value, resource)
    if (object === undefined) return invalidBody(200, 'an item of the list has no name')
    items.push(object)
  }
  return { token: typeof token === 'string' ? token : '', resourceVersion }
}
