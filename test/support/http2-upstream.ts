// What reaches an upstream over HTTP/2, and what may it answer? A server of node:http2 whose streams a script plays.
import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Endpoint } from '../../shared/routing/table.ts'

/** One request as it came; `list` is name, value, name, value, in order. */
export interface SeenRequest {
  readonly list: readonly string[]
  readonly stream: ServerHttp2Stream
  /** Of the connection, counted from 0. */
  readonly connection: number
  /** The value of a field; several are joined by `, `. */
  field(name: string): string | undefined
}

/** How a server plays. */
export interface Http2Script {
  readonly onRequest?: (request: SeenRequest) => void
  readonly settings?: Settings
  /** Speaks TLS with these. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** A running server; an endpoint of a table as it stands. */
export interface Http2Upstream extends Endpoint {
  readonly requests: readonly SeenRequest[]
  readonly sessions: readonly ServerHttp2Session[]
  close(): Promise<void>
}

/** Answers 200 with the method and path. */
export function answerOk({ stream, field }: SeenRequest): void {
  stream.respond([':status', '200', 'content-type', 'text/plain'])
  stream.end(`${field(':method')} ${field(':path')}`)
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startHttp2({
  onRequest = answerOk,
  settings = {},
  tls,
}: Http2Script = {}): Promise<Http2Upstream> {
  const requests: SeenRequest[] = []
  const sessions: ServerHttp2Session[] = []
  const server: Http2Server =
    tls === undefined ? createServer({ settings }) : createSecureServer({ settings, ...tls })
  server.on('session', (session) => void sessions.push(session))
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, list) => {
    stream.on('error', () => {})
    const connection = sessions.findIndex(({ socket }) => socket === stream.session?.socket)
    const field = (name: string) => {
      const values = list.filter((_, at) => at % 2 === 1 && list[at - 1] === name)
      return values.length === 0 ? undefined : values.join(', ')
    }
    const request = { list, stream, connection, field }
    requests.push(request)
    onRequest(request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: '127.0.0.1',
    port,
    protocol: 'h2',
    requests,
    sessions,
    async close() {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
