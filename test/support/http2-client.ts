// What does a client of HTTP/2 see that may ask for anything? Node's own client reads, so that frames, flow control and compression
// are read by RFC 9113 and an answer that is malformed is an error; but each field section that leaves is replaced by the one that
// the test says, which no library would send.
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import net from 'node:net'
import type { Message } from '../hostile/grammar.ts'
import { fieldBlock } from '../http2/frames.ts'
import { asHttp2, type Field, type Http2Request } from './as-http2.ts'
import { Wire } from './http2-wire.ts'
import type { RawResponse } from './raw-client.ts'

const bodyCap = 65_536
const patienceMs = 30_000
/** MB. What waits to be sent counts, and beyond it Node refuses answers. */
const maxSessionMemory = 1024

/** How a stream stands: ended by both, reset by the server or lost with its connection, or neither yet. */
export type StreamEnd = 'open' | 'fin' | 'reset' | 'ours'

/** One request under way. */
export class Http2Exchange {
  readonly stream: ClientHttp2Stream
  readonly #wire: Wire
  readonly #session: ClientHttp2Session
  /** Heads as they came, interim ones too; the last may be unfinished. */
  readonly responses: Message[] = []
  /** Why the answer is no HTTP/2. */
  malformed: string | undefined
  ended: StreamEnd = 'open'
  firstBodyAt = 0
  /** Node tells heads in ticks, and bytes at once. */
  #early: Buffer[] = []
  #waiters: (() => void)[] = []

  constructor(stream: ClientHttp2Stream, wire: Wire, session: ClientHttp2Session) {
    this.stream = stream
    this.#wire = wire
    this.#session = session
    stream.on('headers', (_fields, _flags, list: string[]) => this.#onHead(list))
    stream.on('response', (_fields, _flags, list: string[]) => this.#onHead(list))
    stream.on('trailers', (_fields, _flags, list: string[]) => {
      const last = this.responses.at(-1)
      if (last !== undefined) last.trailers = pairsOf(list)
    })
    stream.on('data', (bytes: Buffer) => this.#onData(bytes))
    stream.on('error', () => undefined)
    stream.on('end', () => this.#onEnd())
    stream.on('close', () => this.#onClose())
  }

  /** The response, once its head is there. */
  get final(): Message | undefined {
    return this.responses.find(({ status }) => status >= 200)
  }

  #onHead(list: readonly string[]): void {
    const pairs = pairsOf(list)
    this.responses.push({
      kind: 'response',
      method: '',
      target: '',
      status: Number(pairs.find(([name]) => name === ':status')?.[1]),
      version: 'HTTP/2.0',
      fields: pairs.filter(([name]) => name !== ':status'),
      framing: 'until-close',
      length: 0,
      body: '',
      bodyBytes: 0,
      trailers: [],
      chunkExtensions: 0,
      complete: false,
    })
    const head = this.responses.at(-1)
    if (head !== undefined && head.status < 200) head.complete = true
    for (const bytes of this.final === undefined ? [] : this.#early.splice(0)) this.#onData(bytes)
    this.#wake()
  }

  #onData(bytes: Buffer): void {
    const message = this.final
    if (message === undefined) {
      this.#early.push(bytes)
      return
    }
    if (this.firstBodyAt === 0) this.firstBodyAt = performance.now()
    message.bodyBytes += bytes.length
    if (message.body.length < bodyCap) {
      message.body += bytes.toString('latin1').slice(0, bodyCap - message.body.length)
    }
    this.#wake()
  }

  /** Node tells an end of streams that were reset, too: only END_STREAM is one. */
  #onEnd(): void {
    const message = this.final
    const isEnded = this.#wire.endedByServer.has(this.stream.id ?? 0)
    if (message !== undefined && isEnded) message.complete = true
    this.#wake()
  }

  #onClose(): void {
    const { id = 0, rstCode } = this.stream
    const isComplete = this.final?.complete === true
    const isReset = this.#wire.resetByServer.has(id)
    const isLost = this.#session.destroyed || this.#session.closed
    if (this.ended === 'open') this.ended = isComplete ? 'fin' : 'reset'
    if (rstCode !== 0 && !isReset && !isLost && this.ended !== 'ours') {
      this.malformed = `the client had to reset by ${rstCode}`
    }
    this.#wake()
  }

  /** Gives the whole response; rejects when there is none. */
  async response(): Promise<RawResponse> {
    await this.within(() => this.final?.complete === true || this.ended !== 'open', patienceMs)
    const { final } = this
    if (final?.complete === true) return final
    throw new Error(`no whole response: ${this.ended}, ${final?.status ?? 'no head'}`)
  }

  /** Waits for what arriving frames can make true, and says whether they did in time. */
  async within(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!isTrue()) {
      const left = deadline - performance.now()
      if (left <= 0) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left + 1)
      this.#waiters.push(resolve)
      await promise
      clearTimeout(timer)
    }
    return true
  }

  /** Resets the stream. */
  reset(): void {
    if (this.ended === 'open') this.ended = 'ours'
    this.stream.close(8)
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

function pairsOf(list: readonly string[]): [string, string][] {
  return list.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [],
  )
}

/** One connection. */
export class Http2Client {
  readonly #session: ClientHttp2Session
  readonly #wire: Wire

  constructor(session: ClientHttp2Session, wire: Wire) {
    this.#session = session
    this.#wire = wire
  }

  /** What came, up to 1 MiB. */
  get text(): string {
    return this.#wire.text
  }

  /** Begins a request; its body is the caller's to write, unless the head ends it. */
  begin(fields: readonly Field[], isEnd: boolean, trailers: readonly Field[] = []): Http2Exchange {
    const isHead = fields.some(([name, value]) => name === ':method' && value === 'HEAD')
    this.#wire.sections.push(fieldBlock(fields))
    const stream = this.#session.request(
      { ':method': isHead ? 'HEAD' : 'POST', ':path': '/' },
      { endStream: isEnd, waitForTrailers: trailers.length > 0 },
    )
    stream.on('wantTrailers', () => {
      this.#wire.sections.push(fieldBlock(trailers))
      stream.sendTrailers({ x: 'y' })
    })
    return new Http2Exchange(stream, this.#wire, this.#session)
  }

  /** Sends all of a request. */
  send({ fields, body, trailers, isWhole }: Http2Request): Http2Exchange {
    const isEnd = isWhole && body === '' && trailers.length === 0
    const exchange = this.begin(fields, isEnd, trailers)
    if (isEnd) return exchange
    if (body !== '') exchange.stream.write(Buffer.from(body, 'latin1'))
    if (isWhole) exchange.stream.end()
    return exchange
  }

  /** Makes the one request of a text of HTTP/1.1 and gives its response; rejects where HTTP/2 has no words for it. */
  async request(text: string): Promise<RawResponse> {
    const turned = asHttp2(text)
    if ('reason' in turned) throw new Error(turned.reason)
    const [first] = turned.requests
    if (first === undefined) throw new Error('there is no request')
    return this.send(first).response()
  }

  close(): void {
    this.#session.destroy()
    this.#wire.destroy()
  }
}

/** Opens a connection to 127.0.0.1, or from another loopback address. `preface` goes before HTTP/2; `isCut`: in small pieces. */
export async function connectHttp2Client(
  port: number,
  {
    localAddress,
    host = '127.0.0.1',
    preface: before = '',
    isCut = false,
  }: {
    readonly localAddress?: string
    readonly host?: string
    readonly preface?: string
    readonly isCut?: boolean
  } = {},
): Promise<Http2Client> {
  const from = localAddress === undefined ? {} : { localAddress }
  const socket = net.connect({ host, port, noDelay: true, ...from })
  await once(socket, 'connect')
  if (before !== '') socket.write(before, 'latin1')
  const wire = new Wire(socket, isCut)
  const session = connect('http://a.test', { createConnection: () => wire, maxSessionMemory })
  session.on('error', () => undefined)
  await once(session, 'remoteSettings')
  return new Http2Client(session, wire)
}
