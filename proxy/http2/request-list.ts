// How does a request look when it goes upstream over HTTP/2? One flat list of names and values (RFC 9113 §8.3.1).
//
// Invariant: names are lower case, and no field of an HTTP/1.1 connection is among them, whoever asked for it (§8.2.2).
import { trimmed } from '../http/fields.ts'
import { passLine } from '../http/loop.ts'
import type { OutgoingRequest } from '../http/stream.ts'

// Host is `:authority`; TE and Expect are settled by the request itself.
const leftOut: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Writes the list for `session.request`. */
export function requestList(request: OutgoingRequest, scheme: 'http' | 'https'): string[] {
  const { method, authority, target } = request
  const list = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target]
  appendFields(list, request.fields)
  appendFields(list, passLine)
  if (request.acceptsTrailers) list.push('te', 'trailers')
  if (request.expectsContinue) list.push('expect', '100-continue')
  return list
}

function appendFields(list: string[], lines: string): void {
  for (let at = 0; at < lines.length; ) {
    const colonAt = lines.indexOf(':', at)
    const end = lines.indexOf('\r\n', colonAt)
    const name = lines.slice(at, colonAt).toLowerCase()
    if (!leftOut.has(name)) list.push(name, trimmed(lines, colonAt + 1, end))
    at = end + 2
  }
}
