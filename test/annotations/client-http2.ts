// How does a request of a case go out over HTTP/2, as a call of gRPC too, and what came back?
import { once } from 'node:events'
import { type ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { RawResponse } from '../support/raw-client.ts'
import type { CaseRequest } from './case.ts'
import { type ClientTlsContext, openTls, type SeenTls, seenTlsOf } from './client-tls.ts'

/** What came back. */
export interface Http2Answer {
  readonly response: RawResponse
  /** Of its connection; undefined without TLS. */
  readonly tls: SeenTls | undefined
}

/** Sends one request on a connection of its own; rejects when no answer comes. */
export async function askHttp2(
  request: CaseRequest,
  port: number,
  tls: ClientTlsContext,
): Promise<Http2Answer> {
  const local = request.from === undefined ? {} : { localAddress: request.from }
  const socket =
    request.tls === undefined
      ? connectTcp({ host: '127.0.0.1', port, ...local })
      : await openTls(request.tls, tls, local, request.proxyProtocol, ['h2'])
  const session = connect(request.tls === undefined ? 'http://case' : 'https://case', {
    createConnection: () => socket,
  })
  const failed = once(session, 'error').then(([error]) => Promise.reject(error))
  try {
    const stream = session.request(listOf(request, port))
    stream.end(bodyOf(request))
    const response = await Promise.race([readResponse(stream), failed])
    return { response, tls: seenTlsOf(socket) }
  } finally {
    failed.catch(() => undefined)
    session.destroy()
  }
}

function listOf(request: CaseRequest, port: number): string[] {
  const { grpc = false, path = '/', headers = {}, host = `127.0.0.1:${port}` } = request
  const { method = grpc ? 'POST' : 'GET' } = request
  const scheme = request.tls === undefined ? 'http' : 'https'
  const list = [':method', method, ':scheme', scheme, ':authority', host, ':path', path]
  for (const [name, value] of Object.entries(headers)) {
    for (const each of typeof value === 'string' ? [value] : value) {
      list.push(name.toLowerCase(), each)
    }
  }
  if (grpc) list.push('content-type', 'application/grpc', 'te', 'trailers')
  return list
}

function bodyOf({ grpc = false, body = '', bodyBytes = 0 }: CaseRequest): Buffer {
  const bytes = body === '' ? Buffer.alloc(bodyBytes, 'x') : Buffer.from(body)
  return grpc ? grpcMessage(bytes) : bytes
}

/** Writes one message of gRPC (Length-Prefixed-Message). */
export function grpcMessage(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

type Fields = readonly (readonly [name: string, value: string])[]

function fieldsIn(list: readonly string[]): Fields {
  return list.flatMap((name, at) =>
    at % 2 === 0 && !name.startsWith(':') ? [[name, list[at + 1] ?? ''] as const] : [],
  )
}

async function readResponse(stream: ClientHttp2Stream): Promise<RawResponse> {
  let trailers: Fields = []
  const pieces: Buffer[] = []
  stream.on('trailers', (_headers, _flags, list) => {
    trailers = fieldsIn(list)
  })
  stream.on('data', (bytes: Buffer) => void pieces.push(bytes))
  const ended = once(stream, 'end')
  const [, , list]: [unknown, unknown, string[]] = await (once(stream, 'response') as never)
  await ended
  const body = Buffer.concat(pieces)
  return {
    kind: 'response',
    method: '',
    target: '',
    status: Number(list[1]),
    version: 'HTTP/2',
    fields: fieldsIn(list),
    framing: 'none',
    length: 0,
    body: body.toString('latin1', 0, 65_536),
    bodyBytes: body.length,
    trailers: [...trailers],
    chunkExtensions: 0,
    complete: true,
  }
}
