// What does a client of HTTP/2 see, frame by frame? A raw client for tests: sends the frames it is told, acknowledges settings
// unless told otherwise, and grants no window by itself.
import { once } from 'node:events'
import net from 'node:net'
import {
  type Frame,
  fieldBlock,
  flag,
  frame,
  preface,
  readFrames,
  setting,
  statusOf,
  type,
  uint32,
} from './frames.ts'

/** Fields of a plain GET, which cases change. */
export const plainGet: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a.test'],
]

const patienceMs = 20_000

/** One connection. */
export class RawHttp2Client {
  readonly socket: net.Socket
  readonly frames: Frame[] = []
  isClosed = false
  acknowledges = true
  #rest: Buffer = Buffer.alloc(0)
  #waiters: (() => void)[] = []

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  #onData(bytes: Buffer): void {
    const { frames, rest } = readFrames(Buffer.concat([this.#rest, bytes]))
    this.#rest = rest
    for (const each of frames) {
      this.frames.push(each)
      if (each.type === type.settings && each.flags === 0 && this.acknowledges) {
        this.send(frame(type.settings, flag.ack, 0))
      }
    }
    this.#wake()
  }

  send(...parts: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts))
  }

  /** Sends a request's head; without END_STREAM where a body follows. */
  request(
    stream: number,
    fields: readonly (readonly [string, string])[] = plainGet,
    endsStream = true,
  ): void {
    const flags = flag.endHeaders | (endsStream ? flag.endStream : 0)
    this.send(frame(type.headers, flags, stream, fieldBlock(fields)))
  }

  data(stream: number, bytes: Buffer | string, endsStream = false): void {
    this.send(frame(type.data, endsStream ? flag.endStream : 0, stream, bytes))
  }

  reset(stream: number, code = 8): void {
    this.send(frame(type.reset, 0, stream, uint32(code)))
  }

  /** Lets the server send more: on a stream, or (0) on the connection. */
  grant(stream: number, bytes: number): void {
    this.send(frame(type.windowUpdate, 0, stream, uint32(bytes)))
  }

  /** Frames of one kind on a stream. */
  of(stream: number, kind: number): readonly Frame[] {
    return this.frames.filter((each) => each.stream === stream && each.type === kind)
  }

  /** Statuses of the response's heads so far, interim ones too. Trailers have none. */
  statuses(stream: number): readonly number[] {
    const heads = this.of(stream, type.headers).map(({ payload }) => statusOf(payload))
    return heads.filter((status) => status >= 100 && status <= 999)
  }

  body(stream: number): string {
    return Buffer.concat(this.of(stream, type.data).map(({ payload }) => payload)).toString(
      'latin1',
    )
  }

  /** How long the body is so far; long ones are not joined for that. */
  bodyBytes(stream: number): number {
    return this.of(stream, type.data).reduce((sum, { payload }) => sum + payload.length, 0)
  }

  /** The code with which the server reset the stream; undefined as long as it did not. */
  resetCode(stream: number): number | undefined {
    return this.of(stream, type.reset)[0]?.payload.readUInt32BE(0)
  }

  hasEnded(stream: number): boolean {
    return this.frames.some(
      (each) =>
        each.stream === stream &&
        (each.type === type.data || each.type === type.headers) &&
        (each.flags & flag.endStream) !== 0,
    )
  }

  /** The last GOAWAY: its code, and the last stream that it names. */
  get goaway(): { readonly code: number; readonly last: number } | undefined {
    const payload = this.of(0, type.goaway).at(-1)?.payload
    return payload && { code: payload.readUInt32BE(4), last: payload.readUInt32BE(0) }
  }

  /** Waits for what arriving frames or the end can make true. */
  async until(isTrue: () => boolean, what: string): Promise<void> {
    await this.#wait(() => isTrue() || this.isClosed, what)
    if (!isTrue()) throw new Error(`closed: ${what}; ${this.#seen()}`)
  }

  async #wait(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`timeout: ${what}; ${this.#seen()}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, 100)
      this.#waiters.push(resolve)
      await promise
      clearTimeout(timer)
    }
  }

  /** Waits until the stream is over, whole or not; or the connection is. */
  async finished(stream: number): Promise<void> {
    await this.until(
      () => this.hasEnded(stream) || this.resetCode(stream) !== undefined || this.isClosed,
      `the end of stream ${stream}`,
    )
  }

  async whenClosed(): Promise<void> {
    await this.#wait(() => this.isClosed, 'the end of the connection')
  }

  close(): void {
    this.socket.destroy()
  }

  #seen(): string {
    return this.frames.map((each) => `${each.type}/${each.flags}@${each.stream}`).join(' ')
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

/** Opens a connection and sends the preface with `settings`. */
export async function connectHttp2(
  port: number,
  settings: readonly (readonly [id: number, value: number])[] = [],
): Promise<RawHttp2Client> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const client = new RawHttp2Client(socket)
  const payload = Buffer.concat(settings.map(([id, value]) => setting(id, value)))
  client.send(preface, frame(type.settings, 0, 0, payload))
  return client
}
