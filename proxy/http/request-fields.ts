// What do the field lines of a request say about framing, this hop and the client? Walks them once.
//
// Invariant: what is end-to-end is kept byte-exact and in order, as few long slices; fields of one hop (RFC 9110 §7.6.1) and
// those that Weir writes itself are taken out whatever the client says about them.
import type { FailureCode } from '../../shared/routing/failure.ts'
import { isClaim } from '../../shared/trusted-fields.ts'
import { FieldCursor, keepFields, listMembers } from './fields.ts'
import type { HeadLimits } from './head-limits.ts'
import { countPasses } from './loop.ts'

// Names that some parser reads as the field with `-`: refused, as a back end that maps both to one variable would mix them up.
const lookAlike = /^(?:content.length|transfer.encoding)$/

/** What of a request's head is said by its fields. */
export interface FieldFacts {
  /** Field lines that go upstream unchanged, without Host and what belongs to this hop, each with its CRLF. */
  fields: string
  /** Host as the client sent it. */
  authority: string
  acceptsTrailers: boolean
  forwardedFor: string | undefined
  forwardedProto: string | undefined
  forwardedHost: string | undefined
  forwardedPort: string | undefined
  realIp: string | undefined
  otherForwarded: string
  requestId: string
  userAgent: string
  referer: string
  passes: number
}

const withoutUnderscore = { has: (name: string) => !name.includes('_') }

/** Notes of one head's fields; reused for the next. Repeated fields are joined by commas, as RFC 9110 §5.3 reads them. */
export class RequestFields {
  hosts = 0
  lengths = 0
  length = ''
  codings = 0
  coding = ''
  connection = ''
  upgrade = ''
  expect = ''
  #isRefused = false
  readonly #cursor = new FieldCursor()

  /** Reads the lines of `text` from `at` into these notes and `head`; returns the failure to answer with, if any. */
  read(text: string, at: number, limits: HeadLimits, head: FieldFacts): FailureCode | undefined {
    this.#reset()
    const cursor = this.#cursor
    let runStart = at
    let fields = 0
    cursor.start(text, at)
    for (let length = cursor.next(); length !== 0; length = cursor.next()) {
      if (length === -1) return 'malformed-request'
      fields += 1
      if (length > limits.maxLineBytes || fields > limits.maxFields) return 'head-too-large'
      if (!this.#takesOut(text, head)) continue
      if (this.#isRefused) return 'malformed-request'
      if (runStart !== cursor.lineStart) head.fields += text.slice(runStart, cursor.lineStart)
      runStart = cursor.lineEnd
    }
    if (runStart !== cursor.lineEnd) head.fields += text.slice(runStart, cursor.lineEnd)
    if (limits.dropsUnderscores === true && head.fields.includes('_')) {
      head.fields = keepFields(head.fields, withoutUnderscore)
    }
    return undefined
  }

  #reset(): void {
    this.hosts = 0
    this.lengths = 0
    this.codings = 0
    this.connection = ''
    this.upgrade = ''
    this.expect = ''
    this.#isRefused = false
  }

  /** Notes what the current field says; true when its line is taken out. Most names are told apart by their length alone. */
  #takesOut(text: string, head: FieldFacts): boolean {
    const cursor = this.#cursor
    switch (cursor.nameLength) {
      case 2:
        if (cursor.name() !== 'te') return false
        head.acceptsTrailers ||= listMembers(cursor.value()).includes('trailers')
        return true
      case 4:
        if (cursor.name() !== 'host') return false
        this.hosts += 1
        head.authority = cursor.value()
        return true
      case 5:
        // A CGI server would make it HTTP_PROXY, which sets the proxy of its own requests (httpoxy, CVE-2016-5385).
        return cursor.name() === 'proxy'
      case 6:
        if (cursor.name() !== 'expect') return false
        this.expect = joined(this.expect, cursor.value())
        return true
      case 7:
        return this.#takesOutSeven(head)
      case 8:
        if (cursor.name() === 'cdn-loop') head.passes += countPasses(cursor.value())
        return this.#takesOutClaim(cursor.name(), text, head)
      case 10:
        return this.#takesOutTen(head)
      case 9:
      case 12:
      case 14:
      case 15:
      case 16:
      case 17:
      case 18:
      case 19:
        return this.#takesOutLong(text, head)
      default:
        return cursor.nameLength > 10 && this.#takesOutClaim(cursor.name(), text, head)
    }
  }

  #takesOutSeven(head: FieldFacts): boolean {
    const cursor = this.#cursor
    switch (cursor.name()) {
      case 'upgrade':
        this.upgrade = joined(this.upgrade, cursor.value())
        return true
      case 'trailer':
        return true
      case 'referer':
        head.referer = cursor.value()
        return false
      default:
        return false
    }
  }

  #takesOutTen(head: FieldFacts): boolean {
    const cursor = this.#cursor
    switch (cursor.name()) {
      case 'connection':
        this.connection = joined(this.connection, cursor.value())
        return true
      case 'keep-alive':
        return true
      case 'user-agent':
        head.userAgent = cursor.value()
        return false
      default:
        return false
    }
  }

  #takesOutLong(text: string, head: FieldFacts): boolean {
    const cursor = this.#cursor
    const name = cursor.name()
    switch (name) {
      case 'content-length':
        this.lengths += 1
        this.length = cursor.value()
        return false
      case 'transfer-encoding':
        this.codings += 1
        this.coding = cursor.value()
        return true
      case 'proxy-connection':
      case 'proxy-authenticate':
      case 'proxy-authorization':
      case 'http2-settings':
        return true
      case 'x-real-ip':
        head.realIp = cursor.value()
        return true
      case 'x-request-id':
        head.requestId = cursor.value()
        return true
      default:
        return this.#takesOutClaim(name, text, head)
    }
  }

  /** Takes out what a proxy would say about its client; whether it is believed is settled later (../http/forwarded.ts). */
  #takesOutClaim(name: string, text: string, head: FieldFacts): boolean {
    const cursor = this.#cursor
    switch (name) {
      case 'x-forwarded-for':
        head.forwardedFor = joined(head.forwardedFor ?? '', cursor.value())
        return true
      case 'x-forwarded-proto':
        head.forwardedProto = joined(head.forwardedProto ?? '', cursor.value())
        return true
      case 'x-forwarded-host':
        head.forwardedHost = joined(head.forwardedHost ?? '', cursor.value())
        return true
      case 'x-forwarded-port':
        head.forwardedPort = joined(head.forwardedPort ?? '', cursor.value())
        return true
      default:
        if (isClaim(name)) {
          head.otherForwarded += text.slice(cursor.lineStart, cursor.lineEnd)
          return true
        }
        if (!name.includes('_')) return false
        this.#isRefused = lookAlike.test(name) || isClaim(name.replaceAll('_', '-'))
        return this.#isRefused
    }
  }
}

function joined(list: string, value: string): string {
  // RFC 9110 §5.6.1: empty members mean nothing.
  if (list === '' || value === '') return list + value
  return `${list}, ${value}`
}
