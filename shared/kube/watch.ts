// One watch: follows the changes of a collection until the server, the caller or the network ends it.
import { invalidBody, isRecord, type KubeError, readStatus } from './error.ts'
import type { KubeObject } from './objects.ts'
import { readObject } from './read-object.ts'
import { type KubeResource, resourcePath } from './resources.ts'
import { noAnswer, type Transport } from './transport.ts'
import { createLineSplitter } from './watch-lines.ts'

/** Which objects of a collection are meant; nothing given means all of the cluster. */
export interface Selection {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** One change. DELETED may carry nothing but metadata. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

export interface WatchOptions extends Selection {
  /** Where to go on from: of a list, an event or a bookmark. */
  readonly resourceVersion: string
  /** After how long the server ends the watch in order. */
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
}

export interface WatchHandlers<T extends KubeObject> {
  /** The server has accepted the watch. */
  readonly onOpen: () => void
  /** Something arrived, be it half a line: the connection lives. */
  readonly onBytes: () => void
  readonly onEvent: (event: WatchEvent<T>) => void
}

/** Runs one watch. Resolves with undefined when the server ended it in order, else with the reason; never rejects. */
export async function runWatch<T extends KubeObject>(
  transport: Transport,
  resource: KubeResource<T>,
  options: WatchOptions,
  handlers: WatchHandlers<T>,
): Promise<KubeError | undefined> {
  const opened = await transport.stream({
    method: 'GET',
    path: resourcePath(resource, options),
    query: {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    },
    signal: options.signal,
  })
  if (!opened.ok) return opened.error
  handlers.onOpen()
  const lines = createLineSplitter()
  try {
    for await (const chunk of opened.body.body) {
      handlers.onBytes()
      for (const line of lines.push(chunk)) {
        const event = readEvent(line, resource)
        if ('status' in event) return event
        handlers.onEvent(event)
      }
    }
  } catch (error) {
    return noAnswer(error, options.signal).error
  }
  if (lines.hasRest()) return noAnswer(new Error('the watch ended within a line'), undefined).error
  return undefined
}

/** Reads one line: a change, or the error that ends the watch (an ERROR event, or a line that makes no sense). */
function readEvent<T extends KubeObject>(
  line: string,
  resource: KubeResource<T>,
): WatchEvent<T> | KubeError {
  let event: unknown
  try {
    event = JSON.parse(line)
  } catch {
    return invalidBody(200, 'a line of the watch is not JSON')
  }
  if (!isRecord(event)) return invalidBody(200, 'a line of the watch is not an event')
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const object = readObject(event.object, resource)
      if (object === undefined) return invalidBody(200, 'an event of the watch has no object')
      return { type: event.type, object }
    }
    case 'BOOKMARK': {
      const metadata = isRecord(event.object) ? event.object.metadata : undefined
      const resourceVersion = isRecord(metadata) ? metadata.resourceVersion : undefined
      if (typeof resourceVersion !== 'string') return invalidBody(200, 'a bookmark has no version')
      return { type: 'BOOKMARK', resourceVersion }
    }
    case 'ERROR':
      return readStatus(event.object, 500)
    default:
      return invalidBody(200, `the watch sent an event of the unknown type ${String(event.type)}`)
  }
}
