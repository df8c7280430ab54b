// The open watches of the test API server: who gets which line, and how a connection can go wrong.
import type { ServerResponse } from 'node:http'
import type { KubeObject } from '../kube/objects.ts'
import type { KubeResource } from '../kube/resources.ts'
import type { StoreEvent } from './api-store.ts'

/** One client that watches. */
export interface OpenWatch {
  readonly resource: KubeResource
  readonly response: ServerResponse
  readonly covers: (object: KubeObject) => boolean
  readonly wantsBookmarks: boolean
}

/** How events are sent: the oddities of real servers and networks. */
export interface WatchOddities {
  /** Every event comes twice. */
  isDuplicating: boolean
  /** DELETED carries nothing but metadata. */
  hasBareDeletes: boolean
}

/** All open watches. */
export class WatchHub {
  readonly oddities: WatchOddities = { isDuplicating: false, hasBareDeletes: false }
  readonly #open = new Set<OpenWatch>()
  readonly #stalled = new WeakSet<OpenWatch>()

  add(watch: OpenWatch): void {
    this.#open.add(watch)
    watch.response.once('close', () => this.#open.delete(watch))
  }

  /** Watches of a kind, or all. */
  open(resource?: KubeResource): OpenWatch[] {
    return [...this.#open].filter((w) => resource === undefined || w.resource === resource)
  }

  /** Sends one event to the watches that it concerns. */
  send(resource: KubeResource, event: StoreEvent): void {
    // Most watches have the same view of an event: it is written once per view.
    const texts = new Map<string, string>()
    for (const watch of this.#open) {
      if (watch.resource === resource) this.sendTo(watch, event, texts)
    }
  }

  sendTo(watch: OpenWatch, event: StoreEvent, texts = new Map<string, string>()): void {
    const type = typeFor(watch, event)
    if (type === undefined) return
    let text = texts.get(type)
    if (text === undefined) {
      const isBare = type === 'DELETED' && this.oddities.hasBareDeletes
      const object = isBare ? { metadata: event.object.metadata } : event.object
      text = `${JSON.stringify({ type, object })}\n`
      if (this.oddities.isDuplicating) text += text
      texts.set(type, text)
    }
    this.write(watch, text)
  }

  bookmark(watch: OpenWatch, resourceVersion: string): void {
    if (!watch.wantsBookmarks) return
    const { apiVersion, kind } = watch.resource
    const object = { apiVersion, kind, metadata: { resourceVersion } }
    this.write(watch, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  }

  write(watch: OpenWatch, text: string): void {
    if (!this.#stalled.has(watch)) watch.response.write(text)
  }

  /** From now on nothing is sent to this client any more, and nothing tells it so. */
  stall(watch: OpenWatch): void {
    this.#stalled.add(watch)
  }

  end(watch: OpenWatch): void {
    if (this.#stalled.has(watch)) return
    this.#open.delete(watch)
    watch.response.end()
  }
}

/** What an event is to a watch with a selector: an object that leaves the selection is deleted to it. */
function typeFor(watch: OpenWatch, event: StoreEvent): StoreEvent['type'] | undefined {
  const isCovered = event.type !== 'DELETED' && watch.covers(event.object)
  const wasCovered = event.before !== undefined && watch.covers(event.before)
  if (isCovered) return wasCovered ? 'MODIFIED' : 'ADDED'
  return wasCovered ? 'DELETED' : undefined
}
