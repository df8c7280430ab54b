// What does an upstream answer? Reads the head of one response as strictly as a request's (RFC 9112 §4, §6). What is sloppy and
// yet clear is made strict first, by repair-response.ts.
//
// Invariant: a head that is refused here is a 502 and its connection is destroyed; nothing of it reaches the client.

import { dropFields, FieldCursor, listMembers } from '../http/fields.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import type { ResponseHead } from '../http/stream.ts'
import type { Framing } from './request-head.ts'

/** One response's head. The object is reused: nothing may keep it beyond the response. */
export class Http1ResponseHead implements ResponseHead {
  status = 0
  /** Reason phrase as sent, may be empty. */
  reason = ''
  /** Where the field lines begin in the head's text. */
  fieldsAt = 0
  /** End-to-end field lines, byte-exact and in order, each with its CRLF. Content-Length is among them. */
  fields = ''
  framing: Framing = 'none'
  contentLength = 0
  /** The upstream keeps this connection open after the response. */
  keepAlive = true
  /** Idle time in ms that `Keep-Alive: timeout=` promises; Infinity without one. */
  keepAliveMs = Number.POSITIVE_INFINITY
  /** The protocol that Upgrade names, or empty. */
  upgrade = ''
  headBytes = 0
  hasDate = false
  hasServer = false

  get bodyLength(): number | undefined {
    if (this.framing === 'none') return 0
    return this.framing === 'length' ? this.contentLength : undefined
  }
}

const cursor = new FieldCursor()
// RFC 9110 §2.5: a higher minor version is read as 1.1. §15: 600 to 999 mean nothing, but their length is as clear as others'.
const statusLine = /HTTP\/1\.(\d) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/y
const usualLine = 'HTTP/1.1 200 OK\r\n'
const decimal = /^\d{1,16}$/

const seen = { lengths: 0, length: '', codings: 0, coding: '', connection: '' }

/**
 * Reads `text`, a whole head with its empty line, into `head`, as the answer to a request with `method`.
 * Returns false when it is malformed or its framing is doubtful.
 */
export function readResponseHead(
  text: string,
  method: string,
  limits: HeadLimits,
  head: Http1ResponseHead,
): boolean {
  const isHttp11 = readStatusLine(text, limits, head)
  if (isHttp11 === undefined || !readFields(text, head.fieldsAt, limits, head)) return false
  return readConnection(head, isHttp11) && readFraming(head, method, isHttp11)
}

/** Reads the first line: whether it is at least HTTP/1.1, or undefined when it is malformed. */
function readStatusLine(
  text: string,
  limits: HeadLimits,
  head: Http1ResponseHead,
): boolean | undefined {
  // What nearly every response begins with needs no expression.
  if (text.startsWith(usualLine)) {
    head.status = 200
    head.reason = 'OK'
    head.fieldsAt = usualLine.length
    return true
  }
  statusLine.lastIndex = 0
  const line = statusLine.exec(text)
  if (line === null || statusLine.lastIndex - 2 > limits.maxLineBytes) return undefined
  head.status = Number(line[2])
  head.reason = line[3] ?? ''
  head.fieldsAt = statusLine.lastIndex
  return line[1] !== '0'
}

function readFields(
  text: string,
  at: number,
  limits: HeadLimits,
  head: Http1ResponseHead,
): boolean {
  head.fields = ''
  head.upgrade = ''
  head.hasDate = false
  head.hasServer = false
  head.keepAliveMs = Number.POSITIVE_INFINITY
  seen.lengths = 0
  seen.codings = 0
  seen.connection = ''
  let runStart = at
  let fields = 0
  cursor.start(text, at)
  for (let length = cursor.next(); length !== 0; length = cursor.next()) {
    fields += 1
    if (length === -1 || length > limits.maxLineBytes || fields > limits.maxFields) return false
    if (!isOfThisHop(head)) continue
    if (runStart !== cursor.lineStart) head.fields += text.slice(runStart, cursor.lineStart)
    runStart = cursor.lineEnd
  }
  if (runStart !== cursor.lineEnd) head.fields += text.slice(runStart, cursor.lineEnd)
  return true
}

/** Notes what the current field says; true when its line is not passed on. */
function isOfThisHop(head: Http1ResponseHead): boolean {
  switch (cursor.nameLength) {
    case 4:
      if (cursor.name() === 'date') head.hasDate = true
      return false
    case 6:
      if (cursor.name() === 'server') head.hasServer = true
      return false
    case 7:
      return noteSeven(head)
    case 10:
      return noteTen(head)
    case 14:
      if (cursor.name() !== 'content-length') return false
      seen.lengths += 1
      seen.length = cursor.value()
      // RFC 9110 §8.6: a response that cannot have a body has no length either.
      return head.status < 200 || head.status === 204
    case 17:
      if (cursor.name() !== 'transfer-encoding') return false
      seen.codings += 1
      seen.coding = cursor.value()
      return true
    case 16:
      return cursor.name() === 'proxy-connection'
    case 18:
      return cursor.name() === 'proxy-authenticate'
    default:
      return false
  }
}

function noteSeven(head: Http1ResponseHead): boolean {
  switch (cursor.name()) {
    case 'trailer':
      return true
    case 'upgrade':
      head.upgrade = cursor.value()
      return true
    default:
      return false
  }
}

function noteTen(head: Http1ResponseHead): boolean {
  switch (cursor.name()) {
    case 'connection':
      seen.connection += seen.connection === '' ? cursor.value() : `,${cursor.value()}`
      return true
    case 'keep-alive': {
      const timeout = /(?:^|[\s,])timeout=(\d{1,6})\b/i.exec(cursor.value())
      if (timeout !== null) head.keepAliveMs = Number(timeout[1]) * 1000
      return true
    }
    default:
      return false
  }
}

function readConnection(head: Http1ResponseHead, isHttp11: boolean): true {
  head.keepAlive = isHttp11
  if (seen.connection === '') {
    head.upgrade = ''
    return true
  }
  // Only what changes something is split: a bare keep-alive is what most upstreams send.
  if (seen.connection === 'keep-alive') {
    head.keepAlive = true
    head.upgrade = ''
    return true
  }
  const members = listMembers(seen.connection)
  if (members.includes('close')) head.keepAlive = false
  else if (members.includes('keep-alive')) head.keepAlive = true
  // RFC 9110 §7.8: Upgrade without its option in Connection says nothing.
  if (!members.includes('upgrade')) head.upgrade = ''
  const listed = members.filter((name) => !neverListed.has(name))
  if (listed.length > 0) head.fields = dropFields(head.fields, new Set(listed))
  return true
}

const neverListed: ReadonlySet<string> = new Set([
  'close',
  'keep-alive',
  'upgrade',
  'content-length',
])

const contentLength: ReadonlySet<string> = new Set(['content-length'])

/** RFC 9112 §6.3 from the recipient's side; doubtful framing is refused. */
function readFraming(head: Http1ResponseHead, method: string, isHttp11: boolean): boolean {
  if (seen.lengths > 1 || (seen.lengths === 1 && !decimal.test(seen.length))) return false
  if (seen.codings > 1) return false
  if (seen.codings === 1 && seen.coding.toLowerCase() !== 'chunked') return false
  const isTold = seen.lengths === 1
  const isChunked = seen.codings === 1
  head.contentLength = isTold ? Number(seen.length) : 0
  const hasNoContent = head.status < 200 || head.status === 204
  if (hasNoContent || head.status === 304 || method === 'HEAD') {
    // RFC 9112 §6.3 (1): these end with their head, whatever the fields say.
    head.framing = 'none'
    // RFC 9110 §8.6: a length here could only make a client wait for a body; beside a coding it is wrong.
    if (isTold && (hasNoContent || isChunked)) head.fields = dropFields(head.fields, contentLength)
    if (isChunked && (isTold || !isHttp11)) head.keepAlive = false
  } else if (isChunked) {
    // Peers disagree about where these end.
    if (isTold || !isHttp11) return false
    head.framing = 'chunked'
  } else if (isTold) head.framing = 'length'
  else {
    head.framing = 'close'
    head.keepAlive = false
  }
  return true
}
