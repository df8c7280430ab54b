// How does an endpoint of a case speak gRPC? Streams of HTTP/2; each answer is one message, and its status is a trailer.
import { createSecureServer, createServer, type ServerHttp2Stream } from 'node:http2'
import type net from 'node:net'
import type { Answer } from './case.ts'
import { grpcMessage } from './client-http2.ts'

/** A call as it came; `list` is name, value, name, value. */
export interface Call {
  readonly stream: ServerHttp2Stream
  readonly list: readonly string[]
}

/** Makes a server, over TLS with a certificate. */
export function createGrpcServer(
  certificate: { readonly key: string; readonly cert: string } | undefined,
  onCall: (call: Call) => void,
): net.Server {
  const server = certificate === undefined ? createServer() : createSecureServer(certificate)
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, list) => {
    stream.on('error', () => undefined)
    onCall({ stream, list })
  })
  return server
}

/** Answers a call; `own` are the fields by which the answer is known. */
export function answerCall(
  { stream }: Call,
  { status = 200, headers = {}, body = '', grpcStatus = 0 }: Answer,
  own: readonly string[],
): void {
  const list = [':status', `${status}`, 'content-type', 'application/grpc', ...own]
  for (const [name, value] of Object.entries(headers)) {
    for (const each of typeof value === 'string' ? [value] : value) {
      list.push(name.toLowerCase(), each)
    }
  }
  stream.respond(list, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': `${grpcStatus}` }))
  stream.end(grpcMessage(Buffer.from(body)))
}
