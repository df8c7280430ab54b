// Stands in for the proxy's side of the control socket: remembers what it was told, and when.
import { createServer, type Server } from 'node:net'
import type { Clock } from '../../shared/clock.ts'
import {
  ControlLineSplitter,
  type ControlReply,
  type ControlRequest,
  encodeControlLine,
  type ProxyProtocolMode,
  parseControlRequest,
} from '../../shared/control-socket.ts'

export class ProxyStandIn {
  readonly told: { readonly request: ControlRequest; readonly atMs: number }[] = []
  /** Called with each request that is not `status`. */
  onRequest: (request: ControlRequest) => void = () => undefined
  readonly #clock: Clock
  readonly #server: Server
  readonly #proxyProtocol: ProxyProtocolMode

  constructor(clock: Clock, proxyProtocol: ProxyProtocolMode = 'off') {
    this.#clock = clock
    this.#proxyProtocol = proxyProtocol
    this.#server = createServer((socket) => {
      const splitter = new ControlLineSplitter()
      socket.setEncoding('utf8')
      socket.on('error', () => undefined)
      socket.on('data', (text: string) => {
        for (const line of splitter.push(text)) {
          socket.write(encodeControlLine(this.#answer(parseControlRequest(line))))
        }
      })
    })
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(path, resolve)
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  /** Fake ms when an op was heard first; undefined when it was not. */
  heardAt(op: ControlRequest['op']): number | undefined {
    return this.told.find(({ request }) => request.op === op)?.atMs
  }

  #answer(request: ControlRequest | undefined): ControlReply {
    if (request === undefined) return { ok: false, error: 'not understood' }
    this.told.push({ request, atMs: this.#clock.now() })
    if (request.op !== 'status') {
      this.onRequest(request)
      return { ok: true }
    }
    return { state: 'serving', inFlight: 0, proxyProtocol: this.#proxyProtocol, h2c: false }
  }
}
