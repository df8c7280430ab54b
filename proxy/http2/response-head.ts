// What does an upstream answer over HTTP/2? Reads the field list of one head, or of trailers, strictly (RFC 9113 §8).
//
// nghttp2 refuses nearly all of this first; but these lines may go on as HTTP/1.1, so nothing rests on its settings alone.
// Invariant: of a head that is refused here nothing reaches the client.
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { reasonOf } from '../http/reasons.ts'
import type { ResponseHead } from '../http/stream.ts'
import { mayBeTrailer } from '../http/trailers.ts'
import { isField } from './field-section.ts'

/** One response's head. The object is reused: nothing may keep it beyond the response. */
export class Http2ResponseHead implements ResponseHead {
  status = 0
  fields = ''
  bodyLength: number | undefined = 0
  headBytes = 0
  hasDate = false
  hasServer = false
  /** Of a WebSocket that was accepted (web-socket.ts). */
  upgrade = ''

  /** HTTP/2 has none; HTTP/1.1 clients get the usual one. */
  get reason(): string {
    return reasonOf(this.status)
  }
}

const statusCode = /^[1-9]\d\d$/
const decimal = /^\d{1,16}$/
/** Of this hop, or of no use in a response. */
const leftOut: ReadonlySet<string> = new Set(['te', 'trailer', 'proxy-authenticate'])

/**
 * Reads `list` (name, value, name, value …) into `head`, as the answer to a request with `method`; `isEnd`: no body follows.
 * Returns false when it is malformed or too large.
 */
export function readResponseHead(
  list: readonly string[],
  method: string,
  isEnd: boolean,
  limits: HeadLimits,
  head: Http2ResponseHead,
): boolean {
  const [first, status = ''] = list
  // RFC 9113 §8.3.2: one pseudo-header field, in front. §8.6: nothing is switched by a 101.
  if (first !== ':status' || !statusCode.test(status) || status === '101') return false
  if (list.length / 2 - 1 > limits.maxFields) return false
  head.status = Number(status)
  head.fields = ''
  head.upgrade = ''
  head.hasDate = false
  head.hasServer = false
  head.headBytes = first.length + status.length
  let length: string | undefined
  for (let at = 2; at < list.length; at += 2) {
    const name = list[at] ?? ''
    const value = list[at + 1] ?? ''
    head.headBytes += name.length + value.length + 4
    if (!mayPass(name, value, limits)) return false
    head.hasDate ||= name === 'date'
    head.hasServer ||= name === 'server'
    if (name === 'content-length') {
      if (length !== undefined || !decimal.test(value)) return false
      length = value
      continue
    }
    if (!leftOut.has(name)) head.fields += `${name}: ${value}\r\n`
  }
  return head.headBytes <= limits.maxHeadBytes && readLength(head, method, isEnd, length)
}

function mayPass(name: string, value: string, limits: HeadLimits): boolean {
  return isField(name, value) && name.length + value.length + 4 <= limits.maxLineBytes
}

/** RFC 9113 §8.1.1, RFC 9110 §8.6: how long the body is, and whether it may be told. */
function readLength(
  head: Http2ResponseHead,
  method: string,
  isEnd: boolean,
  length: string | undefined,
): boolean {
  const hasNoContent = head.status < 200 || head.status === 204
  if (head.status < 200) {
    head.bodyLength = 0
    // An interim head that ends its stream leaves no way for the final one.
    return !isEnd
  }
  if (hasNoContent || head.status === 304 || method === 'HEAD') {
    head.bodyLength = 0
    if (length !== undefined && !hasNoContent) head.fields += `content-length: ${length}\r\n`
    return true
  }
  if (isEnd && length !== undefined && Number(length) !== 0) return false
  head.bodyLength = isEnd ? 0 : length === undefined ? undefined : Number(length)
  // What HTTP/2 says by the end of the stream, HTTP/1.1 needs a length for.
  if (head.bodyLength !== undefined) head.fields += `content-length: ${head.bodyLength}\r\n`
  return true
}

/** Reads trailers; undefined when they are malformed or too large. What may not come behind a body is left out. */
export function readTrailers(list: readonly string[], limits: HeadLimits): FieldLines | undefined {
  let lines = ''
  if (list.length / 2 > limits.maxFields) return undefined
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] ?? ''
    const value = list[at + 1] ?? ''
    if (!mayPass(name, value, limits)) return undefined
    // gRPC's metadata may have underscores in its names; they are judged as the dashes that some readers make of them.
    if (mayBeTrailer(name.replaceAll('_', '-'))) lines += `${name}: ${value}\r\n`
    if (lines.length > limits.maxHeadBytes) return undefined
  }
  return lines
}
