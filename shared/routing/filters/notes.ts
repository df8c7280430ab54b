// What does a filter remember of a request until the end of it?
//
// Invariant: it is forgotten with the end of the request: a view is used again for the next one of its connection.
import type { RequestView } from './kind.ts'

/** One note for each request. */
export interface Notes<T> {
  get(request: RequestView): T | undefined
  set(request: RequestView, note: T): void
  forget(request: RequestView): void
}

/** Makes notes of a kind; there are none yet. */
export function createNotes<T>(): Notes<T> {
  const notes = new WeakMap<RequestView, T>()
  return {
    get: (request) => notes.get(request),
    set(request, note) {
      if (!notes.has(request)) request.whenFinished(() => void notes.delete(request))
      notes.set(request, note)
    },
    forget: (request) => void notes.delete(request),
  }
}
