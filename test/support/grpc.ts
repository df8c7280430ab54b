// A service of gRPC as real programs have it, by @grpc/grpc-js: messages are bytes, so that no definitions are needed.
import {
  type CallOptions,
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Endpoint } from '../../shared/routing/table.ts'

const bytes = (value: Buffer) => value

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/weir.Test/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }
}

export const testService = {
  /** Answers with what it got, and in trailers with how much that was; `fail CODE` fails. */
  echo: method('Echo', false, false),
  /** Never answers. */
  hang: method('Hang', false, false),
  /** Answers with the sum of what came. */
  count: method('Count', true, false),
  /** Sends so many messages as it is told. */
  list: method('List', false, true),
  /** Each message comes back. */
  chat: method('Chat', true, true),
} satisfies ServiceDefinition

/** A running server; an endpoint of a table as it stands. */
export interface GrpcUpstream extends Endpoint {
  /** Calls that came, by their names. */
  readonly calls: readonly string[]
  /** Calls that their clients gave up. */
  readonly cancelled: number
  /** Finishes what is under way, and tells clients to go elsewhere. */
  drain(): Promise<void>
  close(): void
}

const echo =
  (note: (name: string) => void): handleUnaryCall<Buffer, Buffer> =>
  (call, answer) => {
    note('echo')
    const text = call.request.subarray(0, 32).toString()
    const trailers = new Metadata()
    trailers.set('x-length', String(call.request.length))
    const [, code] = /^fail (\d+)$/.exec(text) ?? []
    if (code === undefined) answer(null, call.request, trailers)
    else answer({ code: Number(code), details: 'as wished: ü', metadata: trailers })
  }

/** Starts the service on a free port of 127.0.0.1. */
export async function startGrpc(): Promise<GrpcUpstream> {
  const calls: string[] = []
  let cancelled = 0
  const note = (name: string) => void calls.push(name)
  const server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  })
  const watch = (call: { on(name: 'cancelled', listener: () => void): unknown }) =>
    call.on('cancelled', () => {
      cancelled += 1
    })
  const implementation: UntypedServiceImplementation = {
    echo: echo(note),
    hang: (call: Parameters<handleUnaryCall<Buffer, Buffer>>[0]) => {
      note('hang')
      watch(call)
    },
    count: (
      call: ServerReadableStream<Buffer, Buffer>,
      answer: Parameters<handleUnaryCall<Buffer, Buffer>>[1],
    ) => {
      note('count')
      let sum = 0
      call.on('data', (message: Buffer) => {
        sum += message.length
      })
      call.on('end', () => answer(null, Buffer.from(String(sum))))
    },
    list: (call: ServerWritableStream<Buffer, Buffer>) => {
      note('list')
      watch(call)
      const count = Number(call.request.toString())
      for (let at = 0; at < count; at += 1) call.write(Buffer.from(String(at)))
      call.end()
    },
    chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      note('chat')
      watch(call)
      call.on('data', (message: Buffer) => call.write(message))
      call.on('end', () => call.end())
    },
  }
  server.addService(testService, implementation)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  return {
    address: '127.0.0.1',
    port,
    protocol: 'h2',
    calls,
    get cancelled() {
      return cancelled
    },
    drain: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    close: () => server.forceShutdown(),
  }
}

/** How a call of one message each way ended. */
export interface Outcome {
  readonly code: number
  readonly details: string
  readonly message: Buffer | undefined
  readonly trailers: Metadata
}

/** A client whose calls go to a port of 127.0.0.1 with the authority `a.test`, and are never tried again by itself. */
export class TestClient extends Client {
  constructor(port: number) {
    super(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.default_authority': 'a.test',
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    })
  }

  /** Calls `/weir.Test/NAME`, or another path. */
  unary(name: string, request: Buffer | string, options: CallOptions = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      let outcome: Outcome | undefined
      const path = name.startsWith('/') ? name : `/weir.Test/${name}`
      const call = this.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.from(request),
        new Metadata(),
        options,
        (error, message) => {
          outcome = {
            code: error?.code ?? 0,
            details: error?.details ?? '',
            message,
            trailers: error?.metadata ?? new Metadata(),
          }
        },
      )
      call.on('status', ({ metadata }) => {
        if (outcome !== undefined) resolve({ ...outcome, trailers: metadata })
      })
    })
  }

  count(answer: (error: ServiceError | null, message?: Buffer) => void) {
    const options = {}
    return this.makeClientStreamRequest('/weir.Test/Count', bytes, bytes, options, answer)
  }

  list(count: number, path = '/weir.Test/List') {
    return this.makeServerStreamRequest(path, bytes, bytes, Buffer.from(`${count}`))
  }

  chat(options: CallOptions = {}) {
    return this.makeBidiStreamRequest('/weir.Test/Chat', bytes, bytes, options)
  }
}
