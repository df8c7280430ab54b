// What did the client see? A raw TCP client that plays a case and reads the answers strictly.
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Part, Segmentation } from './cases.ts'
import type { Message } from './grammar.ts'
import { playParts } from './play.ts'
import { StrictReader } from './strict.ts'

/** How a connection stands: open, ended by FIN, reset, or reset by ourselves. */
export type ConnectionEnd = 'open' | 'fin' | 'reset' | 'ours'

/** One client connection. */
export class RawClient {
  readonly reader = new StrictReader('response')
  readonly #socket: net.Socket
  /** Latin1, the first 256 KiB. */
  bytes = ''
  receivedBytes = 0
  ended: ConnectionEnd = 'open'
  /** By performance.now(); when each body byte run arrived is told by `firstBodyAt`. */
  firstBodyAt = 0
  lastDataAt = 0
  #slowTimer: NodeJS.Timeout | undefined
  #wake: () => void = () => {}

  constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {
      if (this.ended === 'open') this.ended = 'reset'
    })
    socket.on('end', () => {
      this.reader.end()
      if (this.ended === 'open') this.ended = 'fin'
      this.#wake()
    })
    socket.on('close', () => {
      if (this.ended === 'open') this.ended = 'reset'
      this.#wake()
    })
  }

  #take(chunk: Buffer): void {
    const text = chunk.toString('latin1')
    if (this.bytes.length < 262_144) this.bytes += text
    this.receivedBytes += chunk.length
    this.lastDataAt = performance.now()
    this.reader.push(text)
    const last = this.reader.messages.at(-1)
    if (this.firstBodyAt === 0 && last !== undefined && last.bodyBytes > 0) {
      this.firstBodyAt = this.lastDataAt
    }
    this.#wake()
  }

  get finals(): readonly Message[] {
    return this.reader.messages.filter((message) => message.status >= 200 || message.status === 101)
  }

  async play(parts: readonly Part[], segmentation: Segmentation, timeScale: number): Promise<void> {
    await playParts(this.#socket, parts, segmentation, timeScale, {
      awaitStatus: (status) =>
        this.until(() => this.reader.messages.some((message) => message.status === status), 2000),
      readSlowly: (bytesPerSecond) => this.#readSlowly(bytesPerSecond * Math.max(timeScale, 0.05)),
    })
    if (parts.some((part) => part.reset === true) && this.ended === 'open') this.ended = 'ours'
  }

  /** Waits for a condition that data or an end can make true; at most `ms`. */
  async until(holds: () => boolean, ms: number): Promise<void> {
    const deadline = performance.now() + ms
    while (!holds()) {
      const left = deadline - performance.now()
      if (left <= 0 || (this.ended !== 'open' && this.#socket.destroyed)) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, Math.min(left, 50))
      this.#wake = resolve
      await promise
      clearTimeout(timer)
    }
  }

  // The socket stays paused and gives up a byte now and then, so that its window closes.
  #readSlowly(bytesPerSecond: number): void {
    this.#socket.pause()
    this.#socket.removeAllListeners('data')
    this.#slowTimer = setInterval(
      () => {
        const chunk: unknown = this.#socket.read(1)
        if (Buffer.isBuffer(chunk)) this.#take(chunk)
      },
      Math.max(1000 / bytesPerSecond, 20),
    )
  }

  pause(): void {
    this.#socket.pause()
  }

  /** Reads at full speed again. */
  resume(): void {
    clearInterval(this.#slowTimer)
    if (this.#slowTimer !== undefined) {
      this.#socket.on('data', (chunk: Buffer) => this.#take(chunk))
    }
    this.#socket.resume()
  }

  /** Sends one plain request and gives its answer, or undefined when none came whole. */
  async get(host: string, target: string): Promise<Message | undefined> {
    const before = this.finals.length
    this.reader.requestMethods.push('GET')
    this.#socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await this.until(() => this.finals[before]?.complete === true || this.ended !== 'open', 5000)
    return this.finals[before]?.complete === true ? this.finals[before] : undefined
  }

  get open(): boolean {
    return this.ended === 'open' && this.#socket.writable
  }

  destroy(): void {
    clearInterval(this.#slowTimer)
    this.#socket.destroy()
  }
}

/** Opens a connection; an answer half-closed by the other side stays readable. */
export async function connect(host: string, port: number): Promise<RawClient> {
  for (let tries = 0; ; tries++) {
    const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true })
    socket.on('error', () => {})
    try {
      await once(socket, 'connect')
      return new RawClient(socket)
    } catch (cause) {
      if (tries >= 3) throw new Error(`no connection to ${host}:${port}`, { cause })
      await delay(50)
    }
  }
}
