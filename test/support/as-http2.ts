// How is a request of HTTP/1.1 said in HTTP/2, or why can it not be? Pure, so that suites written for one version ask by both.
//
// A request that is right by RFC 9112 means the same afterwards: chunks become DATA, a handshake of WebSocket an extended CONNECT
// (RFC 8441). Everything else goes by the letter: whatever stood in the head stands in the field section, byte for byte (names in
// lower case), so that what was hostile stays hostile.
import { chunkLine, listOf, type Message, readFields, readFraming } from '../hostile/grammar.ts'

export type Field = readonly [name: string, value: string]

/** One request as HTTP/2 has it. Text is latin1. */
export interface Http2Request {
  /** Pseudo-header fields first. */
  readonly fields: readonly Field[]
  readonly body: string
  readonly trailers: readonly Field[]
  /** False: more would have to follow, so the stream is not ended. */
  readonly isWhole: boolean
  /** Where in the text its body begins, and where it is over. */
  readonly bodyAt: number
  readonly endAt: number
}

/** The requests of a text, each for a stream of its own; or what HTTP/2 has no words for. */
export type Turned = { readonly requests: readonly Http2Request[] } | { readonly reason: string }

/** Turns all of a text. `isEnded`: the client ends its side behind it. */
export function asHttp2(text: string, isEnded = false): Turned {
  const requests: Http2Request[] = []
  for (let at = 0; at < text.length; ) {
    // RFC 9112 §2.2: an empty line before a request is nothing.
    if (text.startsWith('\r\n', at)) {
      at += 2
      continue
    }
    const turned = turnOne(text, at, isEnded)
    if (typeof turned === 'string') return { reason: turned }
    requests.push(turned)
    at = turned.endAt
  }
  return requests.length === 0 ? { reason: 'it asks for nothing' } : { requests }
}

function turnOne(text: string, at: number, isEnded: boolean): Http2Request | string {
  const headEnd = text.indexOf('\r\n\r\n', at)
  if (headEnd < 0) return 'its head has no end, and a field section is never half of one'
  const [line = '', ...lines] = text.slice(at, headEnd).split('\r\n')
  const [, method, target, version] = /^([^ ]*) ([\s\S]*) (\S*)$/.exec(line) ?? []
  if (method === undefined || target === undefined) return 'HTTP/2 has no request line'
  if (version !== 'HTTP/1.1') return 'HTTP/2 has no version in a request'
  const fields = splitFields(lines)
  if (typeof fields === 'string') return fields
  const head = { kind: 'request', method, target, status: 0, version, fields } as const
  const bodyAt = headEnd + 4
  const isStrict = typeof readFields(lines) !== 'string'
  const hasHost = fields.some(([name]) => name === 'host')
  if (!hasHost && /^\w+:\/\//.test(target)) return 'HTTP/2 has no Host beside an authority'
  if (isStrict && isHandshake(head)) return handshake(head, text, bodyAt)
  const framing = isStrict ? readFraming(head, method) : 'by the letter'
  const pseudo = pseudoFields(method, target, fields)
  const whole = { trailers: [], isWhole: true, bodyAt }
  if (typeof framing === 'string') {
    return { ...whole, fields: pseudo, body: text.slice(bodyAt), endAt: text.length }
  }
  if (framing.framing === 'chunked') {
    const chunks = readChunks(text, bodyAt)
    if (chunks === undefined) return 'HTTP/2 has no chunks'
    const kept = pseudo.filter(([name]) => name !== 'transfer-encoding')
    return { ...whole, ...chunks, fields: kept }
  }
  const endAt = Math.min(bodyAt + framing.length, text.length)
  const isWhole = isEnded || endAt === bodyAt + framing.length
  return { ...whole, fields: pseudo, body: text.slice(bodyAt, endAt), isWhole, endAt }
}

/** Field lines by the letter. */
function splitFields(lines: readonly string[]): Field[] | string {
  const fields: Field[] = []
  for (const line of lines) {
    if (/^[\t ]/.test(line)) return 'HTTP/2 has no folded lines'
    const colon = line.indexOf(':')
    if (colon < 0) return 'HTTP/2 has no field without a value'
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')
    fields.push([lowerCase(line.slice(0, colon)), value])
  }
  return fields
}

function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** RFC 9113 §8.3.1. Of several Host fields the first is `:authority`; the others stay what they are. */
function pseudoFields(method: string, target: string, fields: readonly Field[]): Field[] {
  const [, scheme, authority, rest = ''] = /^(\w+):\/\/([^/?#]*)(.*)$/s.exec(target) ?? []
  if (scheme !== undefined && authority !== undefined) {
    const path = rest.startsWith('/') ? rest : `/${rest}`
    // RFC 9112 §3.2.2: the target says it, whatever Host says.
    const others = fields.filter(([name]) => name !== 'host')
    return [...pseudoOf(method, scheme, path, authority), ...others]
  }
  const at = fields.findIndex(([name]) => name === 'host')
  const host = fields[at]?.[1]
  const others = fields.filter((_, index) => index !== at)
  if (method === 'CONNECT') return [[':method', method], [':authority', target], ...others]
  return [...pseudoOf(method, 'http', target, host), ...others]
}

function pseudoOf(
  method: string,
  scheme: string,
  path: string,
  authority: string | undefined,
): Field[] {
  const fields: Field[] = [
    [':method', method],
    [':scheme', scheme],
    [':path', path],
  ]
  if (authority !== undefined) fields.push([':authority', authority])
  return fields
}

type Head = Pick<Message, 'method' | 'target' | 'fields'>

function isHandshake(head: Head): boolean {
  const message = head as Message
  const asksWebSocket = listOf(message, 'upgrade').join() === 'websocket'
  return head.method === 'GET' && asksWebSocket && listOf(message, 'connection').includes('upgrade')
}

const ofHandshake = new Set(['upgrade', 'connection', 'sec-websocket-key'])

/** RFC 8441 §5. What stands behind the head are bytes of the tunnel. */
function handshake({ target, fields }: Head, text: string, bodyAt: number): Http2Request {
  const kept = fields.filter(([name]) => !ofHandshake.has(name))
  const [, ...pseudo] = pseudoFields('GET', target, kept)
  const connect: Field[] = [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
  ]
  const body = text.slice(bodyAt)
  return {
    fields: [...connect, ...pseudo],
    body,
    trailers: [],
    isWhole: false,
    bodyAt,
    endAt: text.length,
  }
}

/** Reads a chunked body that is whole and right (RFC 9112 §7.1); undefined where it is not. */
function readChunks(
  text: string,
  start: number,
): Pick<Http2Request, 'body' | 'trailers' | 'endAt'> | undefined {
  let body = ''
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = chunkLine.exec(text.slice(at, Math.max(at, lineEnd)))?.[1]
    if (size === undefined) return undefined
    at = lineEnd + 2
    const length = Number.parseInt(size, 16)
    if (length > 0) {
      body += text.slice(at, at + length)
      at += length
      if (!text.startsWith('\r\n', at)) return undefined
      at += 2
      continue
    }
    const end = text.startsWith('\r\n', at) ? at : text.indexOf('\r\n\r\n', at) + 2
    if (end < at) return undefined
    const lines = text.slice(at, end).split('\r\n').slice(0, -1)
    const trailers = readFields(lines)
    if (typeof trailers === 'string') return undefined
    const lower = trailers.map(([name, value]): Field => [lowerCase(name), value])
    return { body, trailers: lower, endAt: end + 2 }
  }
}
