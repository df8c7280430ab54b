// How the test API server lists and watches: pages, selectors, bookmarks, and history that is gone.
import type { ServerResponse } from 'node:http'
import type { KubeObject } from '../kube/objects.ts'
import type { FaultState } from './api-faults.ts'
import type { Answer } from './api-handler.ts'
import { statusBody, type Target } from './api-paths.ts'
import { compileSelectors, unknownField } from './api-selectors.ts'
import type { ApiStore } from './api-store.ts'
import type { OpenWatch, WatchHub } from './api-watches.ts'

type Query = Readonly<Record<string, string>>

export interface Reads {
  list(target: Target, query: Query): Answer
  /** The answer to a watch from a version that is gone, where that is told as a status. */
  isGone(target: Target, query: Query): Answer | undefined
  /** Takes the response and sends events until one side ends it. */
  watch(response: ServerResponse, target: Target, query: Query): void
}

export function createReads(store: ApiStore, hub: WatchHub, faultState: FaultState): Reads {
  const pages = new Map<
    number,
    { readonly items: readonly KubeObject[]; readonly version: string }
  >()

  function list(target: Target, query: Query): Answer {
    const { resource, namespace } = target
    const unknown = unknownField(resource.kind, query.fieldSelector ?? '')
    if (unknown !== undefined) {
      const message = `"${unknown}" is not a known field selector`
      return { status: 400, body: statusBody(400, message) }
    }
    const covers = compileSelectors(query.labelSelector ?? '', query.fieldSelector ?? '')
    let items: readonly KubeObject[]
    let { version } = store
    let start = 0
    const [tokenId = 0, at = 0] = (query.continue ?? '').split(':').map(Number)
    const page = pages.get(tokenId)
    if (query.continue !== undefined) {
      if (page === undefined || tokenId < faultState.firstToken) {
        const message = 'The provided continue parameter is too old to display a consistent list'
        return { status: 410, body: statusBody(410, message) }
      }
      items = page.items
      version = page.version
      start = at
    } else {
      items = store
        .list(resource)
        .filter((o) => (namespace === '' || o.metadata?.namespace === namespace) && covers(o))
    }
    const limit = Number(query.limit ?? 0)
    const end = limit === 0 ? items.length : start + limit
    const metadata: Record<string, string> = { resourceVersion: version }
    if (end < items.length) {
      let id = tokenId
      if (page === undefined) {
        faultState.lastToken += 1
        id = faultState.lastToken
        pages.set(id, { items, version })
      }
      metadata.continue = `${id}:${end}`
    }
    const body = {
      kind: `${resource.kind}List`,
      apiVersion: resource.apiVersion,
      metadata,
      // As the real one: items of a list do not say their kind.
      items: items.slice(start, end).map(({ kind, apiVersion, ...rest }) => rest),
    }
    return { status: 200, body }
  }

  function watch(response: ServerResponse, { resource, namespace }: Target, query: Query): void {
    const covers = compileSelectors(query.labelSelector ?? '', query.fieldSelector ?? '')
    const open: OpenWatch = {
      resource,
      response,
      covers: (object) =>
        (namespace === '' || object.metadata?.namespace === namespace) && covers(object),
      wantsBookmarks: query.allowWatchBookmarks === 'true',
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const version = Number(query.resourceVersion ?? 0)
    const missed = isVersioned(query)
      ? store.since(resource, version)
      : store
          .list(resource)
          .map((object) => ({ type: 'ADDED' as const, version, object, before: undefined }))
    if (missed === undefined) {
      const object = statusBody(410, `too old resource version: ${version}`, 'Expired')
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    for (const event of missed) hub.sendTo(open, event)
    hub.add(open)
    const seconds = Number(query.timeoutSeconds ?? 1800)
    const bookmarks = setInterval(() => hub.bookmark(open, store.version), 60_000)
    const end = setTimeout(() => hub.end(open), seconds * 1000)
    const last = setTimeout(() => hub.bookmark(open, store.version), (seconds - 2) * 1000)
    response.once('close', () => {
      clearInterval(bookmarks)
      clearTimeout(end)
      clearTimeout(last)
    })
  }

  return {
    list,
    isGone({ resource }, query) {
      const isKnown = store.since(resource, Number(query.resourceVersion ?? 0)) !== undefined
      if (isKnown || faultState.goneAs === 'event' || !isVersioned(query)) return undefined
      return { status: 410, body: statusBody(410, 'too old resource version') }
    },
    watch,
  }
}

function isVersioned(query: Readonly<Record<string, string>>): boolean {
  return query.resourceVersion !== undefined && !['', '0'].includes(query.resourceVersion)
}
