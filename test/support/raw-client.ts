// What does a client see, byte for byte? A raw TCP client for tests: sends what it is told, cut as it is told, and reads
// responses with the strict reader, so that a response with doubtful framing fails the test that got it.
import { once } from 'node:events'
import net from 'node:net'
import type { Message } from '../hostile/grammar.ts'
import { StrictReader } from '../hostile/strict.ts'

/** How a connection stands, as the client sees it: the proxy ended it by FIN or by a reset, or the client itself did. */
export type ConnectionEnd = 'open' | 'fin' | 'reset' | 'ours'

/** A response as read: `fields` are [name, value] in order and case, `body` is its first 64 KiB as latin1. */
export type RawResponse = Message

const patienceMs = 30_000

/** One client connection. Text is latin1: one char is one byte. */
export class RawClient {
  readonly socket: net.Socket
  readonly #reader = new StrictReader('response')
  /** Everything received, up to 1 MiB. */
  text = ''
  receivedBytes = 0
  ended: ConnectionEnd = 'open'
  /** When the first byte of a body came, by performance.now(); 0 before. */
  firstBodyAt = 0
  #taken = 0
  #waiters: (() => void)[] = []

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      if (this.text.length < 1_048_576) this.text += text
      this.receivedBytes += bytes.length
      this.#reader.push(text)
      if (this.firstBodyAt === 0 && (this.responses.at(-1)?.bodyBytes ?? 0) > 0) {
        this.firstBodyAt = performance.now()
      }
      this.#wake()
    })
    socket.on('end', () => {
      this.#reader.end()
      if (this.ended === 'open') this.ended = 'fin'
      this.#wake()
    })
    socket.on('error', () => {
      if (this.ended === 'open') this.ended = 'reset'
      this.#wake()
    })
    socket.on('close', () => {
      if (this.ended === 'open') this.ended = 'reset'
      this.#wake()
    })
  }

  /** All responses so far, interim and unfinished ones too. */
  get responses(): readonly RawResponse[] {
    return this.#reader.messages
  }

  /** The responses so far that are no interim ones. */
  get finals(): readonly RawResponse[] {
    return this.responses.filter(({ status }) => status >= 200 || status === 101)
  }

  /** Why what came is no HTTP; undefined as long as it is. */
  get malformed(): string | undefined {
    return this.#reader.error
  }

  /** What came after a 101. */
  get tunnelled(): string {
    return this.#reader.tunnelled
  }

  /** Sends text or bytes as they are. */
  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends each part as a packet of its own, as far as loopback allows: without delay, a turn or `gapMs` apart. */
  async sendParts(parts: readonly (string | Buffer)[], gapMs = 0): Promise<void> {
    for (const part of parts) {
      if (this.socket.destroyed) return
      this.send(part)
      await new Promise<void>((resolve) => {
        if (gapMs === 0) setImmediate(resolve)
        else setTimeout(resolve, gapMs)
      })
    }
  }

  /** Says that the next response answers this method: needed for HEAD only. */
  expectAnswerTo(method: string): void {
    this.#reader.requestMethods.push(method)
  }

  /** Sends one whole request and gives its final response. */
  async request(text: string): Promise<RawResponse> {
    this.expectAnswerTo(text.slice(0, text.indexOf(' ')))
    this.send(text)
    return this.response()
  }

  /** Gives the next final response that nobody took yet, when it is complete; rejects when it cannot become so. */
  async response(): Promise<RawResponse> {
    const message = await this.head()
    await this.until(() => message.complete, `the body of a ${message.status}`)
    return message
  }

  /** Gives the next final response as soon as its head is there. */
  async head(): Promise<RawResponse> {
    const next = () => this.finals[this.#taken]
    await this.until(() => next() !== undefined, 'a response')
    const message = next()
    if (message === undefined) throw new Error('no response')
    this.#taken += 1
    return message
  }

  /** Waits for an interim response with this status. */
  async interim(status: number): Promise<RawResponse> {
    const find = () => this.responses.find((response) => response.status === status)
    await this.until(() => find() !== undefined, `a ${status}`)
    const found = find()
    if (found === undefined) throw new Error(`no ${status}`)
    return found
  }

  /** Waits for what arriving bytes or the end can make true; rejects when the connection is over without it. */
  async until(isTrue: () => boolean, what: string, timeoutMs = patienceMs): Promise<void> {
    const isOver = () => this.malformed !== undefined || this.ended !== 'open'
    const isInTime = await this.within(() => isTrue() || isOver(), timeoutMs)
    if (isTrue()) return
    const seen = `${what} did not come; ${this.ended}, ${this.malformed ?? 'well formed'}, so far: ${JSON.stringify(this.text.slice(0, 400))}`
    throw new Error(isInTime ? seen : `timeout: ${seen}`)
  }

  /** Waits for what arriving bytes or the end can make true, and says whether they did in time. */
  async within(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!isTrue()) {
      if (performance.now() > deadline) return false
      await this.#sleep(deadline)
    }
    return true
  }

  /** Waits for the end of the connection: by FIN or by a reset. */
  async whenEnded(timeoutMs = patienceMs): Promise<ConnectionEnd> {
    if (!(await this.within(() => this.ended !== 'open', timeoutMs))) {
      throw new Error(`still open after ${timeoutMs} ms`)
    }
    return this.ended
  }

  /** Sends FIN; what comes is still read. */
  end(): void {
    this.socket.end()
  }

  /** Sends a reset. */
  reset(): void {
    if (this.ended === 'open') this.ended = 'ours'
    this.socket.resetAndDestroy()
  }

  /** Closes without further ado. */
  close(): void {
    if (this.ended === 'open') this.ended = 'ours'
    this.socket.destroy()
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  async #sleep(deadline: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.max(1, deadline - performance.now() + 1))
    this.#waiters.push(resolve)
    await promise
    clearTimeout(timer)
  }
}

/** Opens a connection to 127.0.0.1, or to another loopback `host`, from `localAddress`. */
export async function connectRaw(
  port: number,
  from: { readonly host?: string; readonly localAddress?: string } = {},
): Promise<RawClient> {
  const socket = net.connect({
    host: '127.0.0.1',
    port,
    ...from,
    allowHalfOpen: true,
    noDelay: true,
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return new RawClient(socket)
}

/** Opens a connection, makes one request and closes. */
export async function requestOnce(port: number, text: string): Promise<RawResponse> {
  const client = await connectRaw(port)
  try {
    return await client.request(text)
  } finally {
    client.close()
  }
}

/** The values of a field of a message, in order. */
export function fieldsOf(
  message: { readonly fields: Message['fields'] },
  name: string,
): readonly string[] {
  const wanted = name.toLowerCase()
  return message.fields.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value)
}
