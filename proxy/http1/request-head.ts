// What did a client ask for, once its head was read? The words for one request's head.

import type { Readings } from '../../shared/routing/path.ts'
import type { RequestHead } from '../http/stream.ts'

/** How a body ends: there is none, after `contentLength` bytes, with the last chunk, or with the connection. */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/** One request's head. The object is reused: nothing may keep it beyond the request. */
export class Http1RequestHead implements RequestHead {
  method = ''
  /** Normalised path: the same string is matched and sent upstream. */
  path = ''
  /** Of a path that applications read in several ways; undefined for nearly all. */
  readings: Readings | undefined
  /** With its `?`, or empty. */
  query = ''
  minorVersion = 1
  /** Host for matching, or empty for an HTTP/1.0 request without one. */
  host = ''
  /** Host as the client sent it. */
  authority = ''
  framing: Framing = 'none'
  contentLength = 0
  /** False when the client wants the connection closed after the response. */
  keepAlive = true
  /** Field lines that go upstream unchanged, without Host and what belongs to this hop, each with its CRLF. */
  fields = ''
  /** Lower-case protocol of a well-formed upgrade request, or empty. */
  upgrade = ''
  expectsContinue = false
  acceptsTrailers = false
  forwardedFor: string | undefined
  forwardedProto: string | undefined
  forwardedHost: string | undefined
  forwardedPort: string | undefined
  realIp: string | undefined
  otherForwarded = ''
  requestId = ''
  userAgent = ''
  referer = ''
  passes = 0

  get protocol(): string {
    return this.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0'
  }

  get bodyLength(): number | undefined {
    return this.framing === 'chunked' ? undefined : this.contentLength
  }

  reset(): void {
    this.readings = undefined
    this.query = ''
    this.host = ''
    this.authority = ''
    this.framing = 'none'
    this.contentLength = 0
    this.keepAlive = true
    this.fields = ''
    this.upgrade = ''
    this.expectsContinue = false
    this.acceptsTrailers = false
    this.forwardedFor = undefined
    this.forwardedProto = undefined
    this.forwardedHost = undefined
    this.forwardedPort = undefined
    this.realIp = undefined
    this.otherForwarded = ''
    this.requestId = ''
    this.userAgent = ''
    this.referer = ''
    this.passes = 0
  }
}
