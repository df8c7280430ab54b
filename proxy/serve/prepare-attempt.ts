// What does every try of a request send? Settled once, after the filters and before the first of them.
import type { RequestFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http/stream.ts'
import type { Attempt } from './attempt.ts'
import { applyEdits } from './field-changes.ts'
import type { Filtering } from './filtering.ts'
import type { LiveForward } from './live-route.ts'
import type { WorkerState } from './worker-state.ts'

/** Fills in an attempt; the lines of `facts` tell the upstream about the client. */
export function prepareAttempt(
  attempt: Attempt,
  { namesEndpoint }: LiveForward,
  head: RequestHead,
  facts: RequestFacts | undefined,
  filters: Filtering | undefined,
  { upgradeProtocols }: WorkerState,
): void {
  const lines = head.fields + (facts?.lines ?? '')
  attempt.method = head.method
  attempt.clientFields = head.fields
  attempt.bodyLength = head.bodyLength
  attempt.upgrade = head.upgrade === '' ? '' : allowedUpgrade(head.upgrade, upgradeProtocols)
  attempt.expectsContinue = head.expectsContinue
  attempt.acceptsTrailers = head.acceptsTrailers
  // An absolute-form target of HTTP/1.0 may name the host instead of a field.
  const authority = namesEndpoint ? '' : (facts?.upstreamHost ?? (head.authority || head.host))
  if (filters === undefined) {
    attempt.view = undefined
    attempt.target = head.path + head.query
    attempt.authority = authority
    attempt.fields = lines
    return
  }
  attempt.view = filters.view
  attempt.target = filters.view.target
  attempt.authority = filters.view.upstreamHost || authority
  attempt.fields = applyEdits(lines, filters.requestEdits)
}

/** Only a protocol that is allowed is asked for; `h2c` would be a way around every rule here (RFC 9110 §7.8). */
function allowedUpgrade(offered: string, allowed: ReadonlySet<string>): string {
  const protocols = offered.split(',').map((protocol) => protocol.trim())
  return protocols.find((protocol) => allowed.has(protocol)) ?? ''
}
