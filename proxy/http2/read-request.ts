// What does a client ask for? Reads the field section of one HTTP/2 request, strictly (RFC 9113 §8.2 and §8.3, RFC 8441).
//
// nghttp2 below refuses much of this, too; here it is refused whatever it lets through.
// Invariant: what is accepted could be said in HTTP/1.1 in exactly one way; what is refused never reaches an upstream.
import type { FailureCode } from '../../shared/routing/failure.ts'
import { isSameAuthority, normaliseHost } from '../http/authority.ts'
import { dropFields } from '../http/fields.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { readOriginForm } from '../http/origin-form.ts'
import { RequestFields } from '../http/request-fields.ts'
import { isField } from './field-section.ts'
import type { Http2RequestHead } from './request-head.ts'

const fields = new RequestFields()
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/
const visible = /^[\x21-\x7e\x80-\xff]+$/
const decimal = /^\d{1,15}$/
const webSocketKey: ReadonlySet<string> = new Set(['sec-websocket-key'])
// RFC 9113 §6.5.2: what each field counts beyond its bytes.
const fieldOverhead = 32

type Pseudo = ':method' | ':scheme' | ':authority' | ':path' | ':protocol'

/** The pseudo-header fields of one request; reused for the next. */
const pseudo: Record<Pseudo, string | undefined> = {
  ':method': undefined,
  ':scheme': undefined,
  ':authority': undefined,
  ':path': undefined,
  ':protocol': undefined,
}

function isPseudo(name: string): name is Pseudo {
  return Object.hasOwn(pseudo, name)
}

/**
 * Reads `list` (name, value, name, value, as latin1) into `head`; `hasEnded`: nothing follows on the stream.
 * Returns the failure to answer with, or undefined when the head is good.
 */
export function readRequest(
  list: readonly string[],
  hasEnded: boolean,
  limits: HeadLimits,
  head: Http2RequestHead,
): FailureCode | undefined {
  head.reset()
  const size = sizeOf(list)
  head.sectionBytes = size
  // Of a HEAD that is refused the answer has no body either.
  if (list[0] === ':method') head.method = list[1] ?? ''
  if (size > limits.maxHeadBytes) return 'head-too-large'
  const regularAt = readPseudo(list)
  if (regularAt === undefined) return 'malformed-request'
  return (
    readFields(list, regularAt, limits, head) ??
    readMethod(hasEnded, head) ??
    readTarget(limits, head) ??
    readLength(hasEnded, head) ??
    readExpect(head)
  )
}

function sizeOf(list: readonly string[]): number {
  let bytes = (list.length / 2) * fieldOverhead
  for (const text of list) bytes += text.length
  return bytes
}

/** RFC 9113 §8.3: they come first, each at most once, and only those of a request. Returns where the others begin. */
function readPseudo(list: readonly string[]): number | undefined {
  pseudo[':method'] = undefined
  pseudo[':scheme'] = undefined
  pseudo[':authority'] = undefined
  pseudo[':path'] = undefined
  pseudo[':protocol'] = undefined
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] ?? ''
    if (name.charCodeAt(0) !== 0x3a) return at
    if (!isPseudo(name) || pseudo[name] !== undefined) return undefined
    pseudo[name] = list[at + 1] ?? ''
  }
  return list.length
}

/** Makes lines of the fields, and reads these as those of HTTP/1.1 are read. */
function readFields(
  list: readonly string[],
  start: number,
  limits: HeadLimits,
  head: Http2RequestHead,
): FailureCode | undefined {
  let lines = ''
  let cookies = ''
  for (let at = start; at < list.length; at += 2) {
    const name = list[at] ?? ''
    const value = list[at + 1] ?? ''
    if (!isField(name, value)) return 'malformed-request'
    // RFC 9113 §8.2.3: crumbs of one field, which HTTP/1.1 may send only once.
    if (name === 'cookie') cookies += cookies === '' ? value : `; ${value}`
    else lines += `${name}: ${value}\r\n`
  }
  if (cookies !== '') lines += `cookie: ${cookies}\r\n`
  return fields.read(`${lines}\r\n`, 0, limits, head)
}

/** RFC 9113 §8.5 is refused: Weir is nobody's forward proxy. RFC 8441 is how a WebSocket begins, in HTTP/1.1 by a GET. */
function readMethod(hasEnded: boolean, head: Http2RequestHead): FailureCode | undefined {
  const method = pseudo[':method']
  const protocol = pseudo[':protocol']
  if (method === undefined || !token.test(method)) return 'malformed-request'
  head.method = method
  if (method === 'TRACE' || method === 'TRACK') return 'method-refused'
  if (method !== 'CONNECT') return protocol === undefined ? undefined : 'malformed-request'
  if (protocol?.toLowerCase() !== 'websocket') return 'method-refused'
  // RFC 8441 §5: a stream that ends at once has no room for frames.
  if (hasEnded || fields.lengths > 0) return 'malformed-request'
  head.method = 'GET'
  head.upgrade = 'websocket'
  head.fields = dropFields(head.fields, webSocketKey)
  return undefined
}

function readTarget(limits: HeadLimits, head: Http2RequestHead): FailureCode | undefined {
  const { ':scheme': scheme, ':path': path } = pseudo
  // Facts about the connection say what the scheme is; this one must only be no way to say something else.
  if (scheme === undefined || !/^https?$/i.test(scheme)) return 'malformed-request'
  if (path === undefined || !visible.test(path)) return 'malformed-request'
  if (path.length > limits.maxLineBytes) return 'target-too-long'
  if (path === '*' && head.method === 'OPTIONS') head.path = path
  else {
    const failure = readOriginForm(path, head)
    if (failure !== undefined) {
      head.hasBadTarget = true
      return failure
    }
  }
  return readAuthority(head)
}

/** RFC 9113 §8.3.1: `:authority` or Host, and where there are both they say the same. */
function readAuthority(head: Http2RequestHead): FailureCode | undefined {
  if (fields.hosts > 1) return 'malformed-request'
  const authority = pseudo[':authority']
  const hostField = head.authority
  const host = normaliseHost(authority ?? hostField)
  if (host === undefined) return 'malformed-request'
  if (authority !== undefined) {
    if (fields.hosts === 1) {
      if (normaliseHost(hostField) === undefined) return 'malformed-request'
      if (!isSameAuthority(authority, hostField)) return 'malformed-request'
    }
    head.authority = authority
  }
  head.host = host
  return undefined
}

/** RFC 9113 §8.1.1. What comes later as DATA is held to it by the stream. */
function readLength(hasEnded: boolean, head: Http2RequestHead): FailureCode | undefined {
  if (fields.lengths === 0) {
    head.bodyLength = hasEnded || head.upgrade !== '' ? 0 : undefined
    return undefined
  }
  if (fields.lengths > 1 || !decimal.test(fields.length)) return 'malformed-request'
  head.bodyLength = Number(fields.length)
  return hasEnded && head.bodyLength > 0 ? 'malformed-request' : undefined
}

/** RFC 9110 §10.1.1: 100-continue is the only expectation there is. */
function readExpect(head: Http2RequestHead): FailureCode | undefined {
  if (fields.expect === '') return undefined
  if (fields.expect.toLowerCase() !== '100-continue') return 'expectation-failed'
  head.expectsContinue = head.bodyLength !== 0
  return undefined
}
