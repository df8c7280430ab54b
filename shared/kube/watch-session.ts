// One watch under guard, and what its end means for what comes next.
//
// Invariant: a connection that is silent for longer than bookmarks allow is given up; nothing waits for ever.
import type { Clock } from '../clock.ts'
import type { KubeClient } from './client.ts'
import type { KubeError } from './error.ts'
import type { KubeObject } from './objects.ts'
import type { KubeResource } from './resources.ts'
import type { Selection, WatchEvent } from './watch.ts'

/** How a watch ended. */
export interface WatchOutcome {
  /** `in-order` by the server, `silent` and `went-back` by us, else by `error`. */
  readonly end: 'in-order' | 'silent' | 'went-back' | 'error'
  readonly error?: KubeError
  /** Brought an event or a bookmark, or held long enough to count as success. */
  readonly hasProgressed: boolean
}

export interface WatchSession<T extends KubeObject> {
  readonly client: KubeClient
  readonly resource: KubeResource<T>
  readonly selection: Selection
  /** Where to go on from. */
  readonly version: string
  /** After how long the server ends it in order. */
  readonly timeoutSeconds: number
  readonly clock: Clock
  readonly stop: AbortSignal
  readonly onOpen: () => void
  /** Takes an event; `older` ends the watch: the server's history went back. */
  readonly onEvent: (event: WatchEvent<T>) => 'taken' | 'older'
}

/** Servers send a bookmark about once a minute: silence for longer means that the connection is dead. */
const silenceMs = 100_000
/** A watch that held this long counts as success, even if nothing happened. */
const settledMs = 10_000

/** Runs one watch to its end; never rejects. */
export async function runWatchSession<T extends KubeObject>(
  session: WatchSession<T>,
): Promise<WatchOutcome> {
  const { clock } = session
  const ending = new AbortController()
  let end: 'silent' | 'went-back' | undefined
  let openedAtMs: number | undefined
  let heardAtMs = clock.now()
  let hasProgressed = false
  let cancelCheck = clock.after(silenceMs, checkSilence)

  function checkSilence(): void {
    const leftMs = heardAtMs + silenceMs - clock.now()
    if (leftMs > 0) cancelCheck = clock.after(leftMs, checkSilence)
    else giveUp('silent')
  }

  function giveUp(why: 'silent' | 'went-back'): void {
    end = why
    ending.abort()
  }

  const error = await session.client.watch(
    session.resource,
    {
      ...session.selection,
      resourceVersion: session.version,
      timeoutSeconds: session.timeoutSeconds,
      signal: AbortSignal.any([session.stop, ending.signal]),
    },
    {
      onOpen() {
        openedAtMs = heardAtMs = clock.now()
        session.onOpen()
      },
      onBytes() {
        heardAtMs = clock.now()
      },
      onEvent(event) {
        // Events of the same packet may follow the one that ended the watch.
        if (end !== undefined) return
        if (session.onEvent(event) === 'older') giveUp('went-back')
        else hasProgressed = true
      },
    },
  )
  cancelCheck()
  if (end === 'went-back') return { end, hasProgressed: false }
  const hasHeld = openedAtMs !== undefined && clock.now() - openedAtMs >= settledMs
  const progress = { hasProgressed: hasProgressed || hasHeld }
  if (end !== undefined) return { end, ...progress }
  return error === undefined
    ? { end: 'in-order', ...progress }
    : { end: 'error', error, ...progress }
}

/** What to do after a watch: wait or not, then list anew or watch on. */
export interface NextStep {
  readonly mustWait: boolean
  readonly mustList: boolean
}

/** After so many watches in vain the version that we ask for may be what the server dislikes. */
const maxFruitless = 3

/** Decides what follows a watch. `fruitless`: watches in a row without progress, this one included. */
export function decideNextStep(
  outcome: WatchOutcome,
  fruitless: number,
  isListTooOld: boolean,
): NextStep {
  const { end, error } = outcome
  // The history after our version is gone (410 as status or as event), or is another one.
  const isExpired =
    end === 'went-back' ||
    (error !== undefined && (error.status === 410 || error.reason === 'Expired'))
  // The first time a list is cheap and at once right; a server that expires every version must not be stormed.
  if (isExpired) return { mustWait: fruitless > 1, mustList: true }
  // No answer, "later" and "not you" say nothing about the version.
  const mayBlameVersion = error === undefined || ![0, 401, 403, 429].includes(error.status)
  const isDisliked = fruitless > 0 && fruitless % maxFruitless === 0 && mayBlameVersion
  return { mustWait: error !== undefined || fruitless > 0, mustList: isDisliked || isListTooOld }
}
