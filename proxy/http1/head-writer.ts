// How do heads look when Weir writes them? Each is one string, made of long slices of what came and the few fields of ours.
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { passLine } from '../http/loop.ts'
import type { OutgoingRequest, ResponseHead } from '../http/stream.ts'

/** Says that the connection ends with this response (RFC 9112 §9.6). */
export const closeLine = 'Connection: close\r\n'

/** Writes the head that goes upstream (RFC 9112 §3, RFC 9110 §7.6.1 and §7.8 for the fields of this hop). */
export function requestHead(request: OutgoingRequest): string {
  let text = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${request.authority}\r\n${request.fields}${passLine}`
  if (request.bodyLength === undefined) text += 'Transfer-Encoding: chunked\r\n'
  if (request.expectsContinue) text += 'Expect: 100-continue\r\n'
  if (request.upgrade !== '') text += `Connection: upgrade\r\nUpgrade: ${request.upgrade}\r\n`
  else if (request.isLast) text += closeLine
  else if (request.acceptsTrailers) text += 'Connection: TE\r\nTE: trailers\r\n'
  return `${text}\r\n`
}

/** Writes the final response's head for the client; `connection` are the ready lines of this hop. */
export function finalHead(
  status: number,
  reason: string,
  fields: FieldLines,
  isChunked: boolean,
  connection: string,
): string {
  const framing = isChunked ? 'Transfer-Encoding: chunked\r\n' : ''
  return `HTTP/1.1 ${status} ${reason}\r\n${fields}${framing}${connection}\r\n`
}

/** Writes an interim response's head (RFC 9110 §15.2). */
export function interimHead({ status, reason, fields }: ResponseHead): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`
}
