// How does a WebSocket begin at an endpoint that speaks HTTP/2? By an extended CONNECT (RFC 8441), where its SETTINGS allow that; for the
// exchange it looks like the upgrade of HTTP/1.1 that clients ask for.
import { createHash } from 'node:crypto'
import type { ClientHttp2Stream } from 'node:http2'
import { dropFields, fieldValue } from '../http/fields.ts'
import type { OutgoingRequest } from '../http/stream.ts'
import type { TunnelSide } from '../http/tunnel.ts'
import { requestList } from './request-list.ts'
import type { Http2ResponseHead } from './response-head.ts'
import { cancelStream, sideOf } from './stream-side.ts'

const keyField = 'sec-websocket-key'
/** RFC 8441 §5: of the handshake of HTTP/1.1 the key and its answer are left out. */
const answerFields: ReadonlySet<string> = new Set(['sec-websocket-accept', 'content-length'])
// RFC 6455 §1.3.
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Tells whether a request asks for what an extended CONNECT can carry: a WebSocket, and nothing in front of it. */
export function isHandshake({ upgrade, bodyLength }: OutgoingRequest): boolean {
  return upgrade === 'websocket' && bodyLength === 0
}

/** Writes the list for `session.request` of such a request. */
export function handshakeList(request: OutgoingRequest, scheme: 'http' | 'https'): string[] {
  const list = requestList(request, scheme)
  const keyAt = list.findIndex((name, at) => at % 2 === 0 && name === keyField)
  if (keyAt !== -1) list.splice(keyAt, 2)
  // The method is first.
  list.splice(0, 2, ':method', 'CONNECT', ':protocol', 'websocket')
  return list
}

/** Makes of the head that accepts a WebSocket the 101 that it is in HTTP/1.1; `fields` are those of the request. */
export function acceptHandshake(head: Http2ResponseHead, fields: string): void {
  const key = fieldValue(fields, keyField, ', ') ?? ''
  const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64')
  head.status = 101
  head.upgrade = 'websocket'
  head.bodyLength = 0
  head.fields = `${dropFields(head.fields, answerFields)}Sec-WebSocket-Accept: ${accept}\r\n`
}

/** What a tunnel may do with what comes on the stream. */
export interface StreamReading {
  readonly hasEnded: boolean
  pause(): void
  resume(): void
}

/** The stream as one side of a tunnel. */
export function upstreamSide(stream: ClientHttp2Stream, reading: StreamReading): TunnelSide {
  return sideOf(stream, {
    pause: () => reading.pause(),
    resume: () => reading.resume(),
    // A stream that both have ended closes by itself; else nobody is left to hear the endpoint, once it has heard all.
    leave: () => {
      if (reading.hasEnded) return
      if (stream.writableFinished) cancelStream(stream)
      else stream.once('finish', () => setImmediate(cancelStream, stream))
    },
  })
}
