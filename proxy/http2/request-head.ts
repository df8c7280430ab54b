// What does a client ask for on one HTTP/2 stream, once its field section was read?
import type { Readings } from '../../shared/routing/path.ts'
import type { TargetFacts } from '../http/origin-form.ts'
import type { FieldFacts } from '../http/request-fields.ts'
import type { RequestHead } from '../http/stream.ts'

/** One request's head. The object is used again: nothing may keep it beyond the request. */
export class Http2RequestHead implements RequestHead, FieldFacts, TargetFacts {
  readonly protocol = 'HTTP/2.0'
  method = ''
  path = ''
  readings: Readings | undefined
  query = ''
  host = ''
  /** `:authority`, or Host where there is none. */
  authority = ''
  fields = ''
  bodyLength: number | undefined = 0
  /** The protocol of an extended CONNECT (RFC 8441), whose `method` is GET here as it is in HTTP/1.1; else empty. */
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
  /** Of the whole field section, as RFC 9113 §6.5.2 counts them. */
  sectionBytes = 0
  /** What is wrong is the path or query, which is no matter of HTTP/2. */
  hasBadTarget = false

  reset(): void {
    this.hasBadTarget = false
    this.method = ''
    this.path = ''
    this.readings = undefined
    this.query = ''
    this.host = ''
    this.authority = ''
    this.fields = ''
    this.bodyLength = 0
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
