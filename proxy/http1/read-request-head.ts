// What does a client ask for? Reads the head of one HTTP/1.1 or 1.0 request, strictly (RFC 9112 §3, §5, §6).
//
// Invariant: what is refused here never reaches an upstream in any form; what is accepted is kept byte-exact and in order.

import type { FailureCode } from '../../shared/routing/failure.ts'
import { isSameAuthority, normaliseHost } from '../http/authority.ts'
import { dropFields, listMembers } from '../http/fields.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { readOriginForm } from '../http/origin-form.ts'
import { RequestFields } from '../http/request-fields.ts'
import type { Http1RequestHead } from './request-head.ts'

const fields = new RequestFields()
const visibleToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/
const decimal = /^\d{1,15}$/

/**
 * Reads `text`, a whole head with its empty line, into `head`.
 * Returns the failure to answer with, or undefined when the head is good. Size limits other than line and field count
 * are the caller's, who sees the bytes arrive.
 */
export function readRequestHead(
  text: string,
  limits: HeadLimits,
  head: Http1RequestHead,
): FailureCode | undefined {
  head.reset()
  const lineEnd = text.indexOf('\r\n')
  if (lineEnd > limits.maxLineBytes) return 'target-too-long'
  const lineFailure = readRequestLine(text, lineEnd, head)
  // Of an absolute-form target: its authority, until the Host field takes the place.
  const authority = head.authority
  const fieldFailure = lineFailure ?? fields.read(text, lineEnd + 2, limits, head)
  if (fieldFailure !== undefined) return fieldFailure
  return checkHost(head, authority) ?? readFraming(head) ?? readConnection(head) ?? readExpect(head)
}

/** Reads method, target and version; the version is judged first, as nothing else means anything without it. */
function readRequestLine(
  text: string,
  lineEnd: number,
  head: Http1RequestHead,
): FailureCode | undefined {
  const methodEnd = text.indexOf(' ')
  const targetEnd = text.indexOf(' ', methodEnd + 1)
  if (methodEnd <= 0 || targetEnd === -1 || targetEnd > lineEnd) return 'malformed-request'
  const version = text.slice(targetEnd + 1, lineEnd)
  if (version === 'HTTP/1.1') head.minorVersion = 1
  else if (version === 'HTTP/1.0') head.minorVersion = 0
  else return /^HTTP\/\d\.\d$/.test(version) ? 'version-unsupported' : 'malformed-request'
  head.method = text.slice(0, methodEnd)
  if (head.method !== 'GET') {
    if (!visibleToken.test(head.method)) return 'malformed-request'
    if (head.method === 'CONNECT' || head.method === 'TRACE' || head.method === 'TRACK') {
      return 'method-refused'
    }
  }
  return readTarget(text.slice(methodEnd + 1, targetEnd), head)
}

/** Reads origin-form, absolute-form (its authority is left in `head.authority`) or `*` with OPTIONS (RFC 9112 §3.2). */
function readTarget(target: string, head: Http1RequestHead): FailureCode | undefined {
  let origin = target
  if (target.charCodeAt(0) !== 0x2f) {
    if (target === '*' && head.method === 'OPTIONS') {
      head.path = '*'
      return undefined
    }
    const absolute = /^http:\/\/([^/?#@\\]+)(\/[^?]*)?(\?.*)?$/i.exec(target)
    const authority = absolute?.[1] ?? ''
    if (absolute === null || normaliseHost(authority) === undefined) return 'malformed-request'
    head.authority = authority
    origin = (absolute[2] ?? '/') + (absolute[3] ?? '')
  }
  return readOriginForm(origin, head)
}

/** RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; an absolute-form target must name the same host. */
function checkHost(head: Http1RequestHead, authority: string): FailureCode | undefined {
  const isAbsent = fields.hosts === 0
  if (fields.hosts > 1 || (isAbsent && head.minorVersion !== 0)) return 'malformed-request'
  const value = isAbsent ? authority : head.authority
  if (isAbsent) head.authority = ''
  if (isAbsent && authority === '') return undefined
  const host = normaliseHost(value)
  if (host === undefined) return 'malformed-request'
  if (authority !== '' && !isSameAuthority(authority, value)) return 'malformed-request'
  head.host = host
  return undefined
}

/** RFC 9112 §6.3, with every doubtful combination refused instead of resolved. */
function readFraming(head: Http1RequestHead): FailureCode | undefined {
  if (fields.codings > 0) {
    if (fields.codings > 1 || fields.lengths > 0 || head.minorVersion === 0)
      return 'malformed-request'
    const coding = fields.coding.toLowerCase()
    if (coding === 'chunked') {
      head.framing = 'chunked'
      return undefined
    }
    return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(coding) && !coding.includes('chunk')
      ? 'coding-unsupported'
      : 'malformed-request'
  }
  if (fields.lengths === 0) return undefined
  if (fields.lengths > 1 || !decimal.test(fields.length)) return 'malformed-request'
  head.framing = 'length'
  head.contentLength = Number(fields.length)
  return undefined
}

/** RFC 9110 §7.6.1 and §7.8: persistence, fields of this hop, and whether this is an upgrade. */
function readConnection(head: Http1RequestHead): undefined {
  head.keepAlive = head.minorVersion === 1
  if (fields.connection === '') return
  const members = listMembers(fields.connection)
  if (members.includes('close')) head.keepAlive = false
  else if (members.includes('keep-alive')) head.keepAlive = true
  const listed = members.filter((name) => !neverListed.has(name))
  if (listed.length > 0) head.fields = dropFields(head.fields, new Set(listed))
  // Whatever the method and the body: a tunnel begins behind the body. HTTP/1.0 knows no upgrade.
  if (fields.upgrade !== '' && head.minorVersion === 1 && members.includes('upgrade')) {
    const protocols = listMembers(fields.upgrade)
    // RFC 6455 §4.1: of this one protocol a handshake is a GET.
    const isMeant = (protocol: string) => protocol !== 'websocket' || head.method === 'GET'
    head.upgrade = protocols.filter(isMeant).join(', ')
  }
}

// Connection options, and fields that routing and framing rest on: a client cannot have them removed (CVE-2024-45410).
const neverListed: ReadonlySet<string> = new Set([
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'host',
  'content-length',
  'cdn-loop',
  'x-amzn-trace-id',
])

/** RFC 9110 §10.1.1: 100-continue is the only expectation there is; an HTTP/1.0 client cannot have it. */
function readExpect(head: Http1RequestHead): FailureCode | undefined {
  if (fields.expect === '') return undefined
  if (fields.expect.toLowerCase() !== '100-continue') return 'expectation-failed'
  head.expectsContinue = head.minorVersion === 1 && head.framing !== 'none'
  return undefined
}
