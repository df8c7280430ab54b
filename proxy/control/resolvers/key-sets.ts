// Which keys are it that sign the tokens of a route? Asked for again and again at the endpoints of the table.
//
//   table has endpoints ─► fetched from one of them ─ok─► again after 5 min ─┐
//                                └─failed─► again after 2, 4, … 60 s ◄───────┘
//
// Invariant: only endpoints of the table are asked: what may not be asked (`--auth-urls`) has none, and keeps its routes closed.
// Invariant: a failure keeps the last key set.
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { KeySource } from '../../../shared/routing/filters/kind.ts'
import type { Endpoint, Upstream } from '../../../shared/routing/table.ts'

/** What a key set is followed with. */
export interface KeySetsOptions {
  readonly clock: Clock
  readonly log: Log
  /** The upstream of the served table. */
  readonly upstreamOf: (key: string) => Upstream | undefined
  /** Gets the text at one endpoint, within seconds; rejects when there is none. */
  readonly fetchAt: (endpoint: Endpoint, source: KeySource) => Promise<string>
}

/** One key set that is followed. */
export interface FollowedKeySet {
  /** Its upstream changed: one that nothing was got from yet is asked at once. */
  noteUpstream(): void
  cancel(): void
}

const refreshMs = 300_000
const firstBackOffMs = 2_000
const maxBackOffMs = 60_000
// A Service may have hundreds; one timeout after the other would keep the rest waiting.
const maxTries = 3

/** Follows one key set; `onKeys` gets its text when it changed, and undefined when nothing could be got so far. */
export function followKeySet(
  { clock, log, upstreamOf, fetchAt }: KeySetsOptions,
  source: KeySource,
  onKeys: (keys: string | undefined) => void,
): FollowedKeySet {
  let last: string | undefined
  let backOffMs = firstBackOffMs
  let isRunning = false
  let isCancelled = false
  let cancelTimer = () => {}

  async function refresh(): Promise<void> {
    isRunning = true
    const endpoints = upstreamOf(source.service.key)?.endpoints ?? []
    const keys = await fetchFrom(endpoints)
    isRunning = false
    if (isCancelled) return
    cancelTimer = clock.after(keys === undefined ? backOffMs : refreshMs, () => void refresh())
    backOffMs = keys === undefined ? Math.min(backOffMs * 2, maxBackOffMs) : firstBackOffMs
    // Of a URL without endpoints the table has a problem that says why.
    const isExplained = endpoints.length === 0 && source.service.origin !== undefined
    if (keys === undefined ? last !== undefined || isExplained : keys === last) return
    last = keys
    onKeys(keys)
  }

  async function fetchFrom(endpoints: readonly Endpoint[]): Promise<string | undefined> {
    let error: unknown
    for (const endpoint of endpoints.slice(0, maxTries)) {
      try {
        return await fetchKeys(endpoint)
      } catch (thrown) {
        error = thrown
      }
    }
    if (error !== undefined) {
      const { service, path } = source
      log.warn({ from: service.key, path, error }, 'a key set cannot be had; the last one counts')
    }
    return undefined
  }

  async function fetchKeys(endpoint: Endpoint): Promise<string> {
    const text = await fetchAt(endpoint, source)
    if (source.discovers !== true) return text
    return fetchAt(endpoint, { ...source, path: keysAt(text, source) })
  }

  void refresh()
  return {
    noteUpstream() {
      if (last !== undefined || isRunning) return
      cancelTimer()
      void refresh()
    },
    cancel() {
      isCancelled = true
      cancelTimer()
    },
  }
}

/** The path of the key set that an OpenID Connect configuration names. Throws where it is elsewhere: that nobody has allowed. */
function keysAt(configuration: string, { authority }: KeySource): string {
  const content: unknown = JSON.parse(configuration)
  const named = typeof content === 'object' && content !== null && 'jwks_uri' in content
  const url = named ? URL.parse(String(content.jwks_uri)) : null
  if (url === null) throw new Error('the configuration of the issuer names no key set')
  if (url.host !== authority) throw new Error(`its key set is at ${url.host}, not at ${authority}`)
  return url.pathname + url.search
}
