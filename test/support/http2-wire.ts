// How do field sections that no library would send get into what a library sends? A wire between Node's client of HTTP/2 and a socket
// that takes the frames apart.
import type net from 'node:net'
import { Duplex } from 'node:stream'
import { type Frame, flag, frame, preface, readFrames, type } from '../http2/frames.ts'

// RFC 9113 §6.5.2: what every endpoint takes.
const maxFrame = 16_384
const maxFragments = 6
// The head of a frame, and the code of a RST_STREAM.
const headBytes = 13

/** The wire between Node's client and a socket: writes field sections of the test's own. */
export class Wire extends Duplex {
  readonly #socket: net.Socket
  readonly #isCut: boolean
  #out: Buffer = Buffer.alloc(0)
  #isPrefaceSent = false
  /** The beginning of a frame. */
  #in: Buffer = Buffer.alloc(0)
  #passOver = 0
  /** Field sections in the order of their HEADERS frames. */
  readonly sections: Buffer[] = []
  /** Streams that the server ended, and those that it reset, with the code. */
  readonly endedByServer = new Set<number>()
  readonly resetByServer = new Map<number, number>()
  text = ''

  constructor(socket: net.Socket, isCut: boolean) {
    super()
    this.#socket = socket
    this.#isCut = isCut
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('error', () => undefined)
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
  }

  #onData(bytes: Buffer): void {
    if (this.text.length < 1_048_576) this.text += bytes.toString('latin1')
    this.#scan(bytes)
    if (!this.push(bytes)) this.#socket.pause()
  }

  /** Notes what frames say by their heads and first bytes; the rest of a frame is passed over, as bodies are long. */
  #scan(bytes: Buffer): void {
    let at = Math.min(this.#passOver, bytes.length)
    this.#passOver -= at
    while (at < bytes.length) {
      const seen = Buffer.concat([this.#in, bytes.subarray(at, at + headBytes)])
      const size = seen.length < 9 ? headBytes : Math.min(headBytes, 9 + seen.readUIntBE(0, 3))
      if (seen.length < size) {
        this.#in = seen
        return
      }
      const taken = size - this.#in.length
      this.#in = Buffer.alloc(0)
      this.#note(seen)
      const rest = 9 + seen.readUIntBE(0, 3) - size
      const passed = Math.min(rest, bytes.length - at - taken)
      this.#passOver = rest - passed
      at += taken + passed
    }
  }

  #note(head: Buffer): void {
    const kind = head.readUInt8(3)
    const stream = head.readUInt32BE(5) & 0x7fff_ffff
    if (kind === type.reset) this.resetByServer.set(stream, head.readUInt32BE(9))
    if (kind !== type.data && kind !== type.headers) return
    if ((head.readUInt8(4) & flag.endStream) !== 0) this.endedByServer.add(stream)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#out = Buffer.concat([this.#out, chunk])
    const parts: Buffer[] = []
    if (!this.#isPrefaceSent && this.#out.length >= preface.length) {
      parts.push(preface)
      this.#out = this.#out.subarray(preface.length)
      this.#isPrefaceSent = true
    }
    if (this.#isPrefaceSent) {
      const { frames, rest } = readFrames(this.#out)
      this.#out = rest
      for (const each of frames) parts.push(this.#written(each))
    }
    void this.#send(Buffer.concat(parts)).then(() => done())
  }

  #written(each: Frame): Buffer {
    const { type: kind, flags, stream, payload } = each
    if (kind !== type.headers) return frame(kind, flags, stream, payload)
    const block = this.sections.shift() ?? payload
    const size = this.#isCut ? Math.max(1, Math.ceil(block.length / maxFragments)) : maxFrame
    const pieces: Buffer[] = []
    for (let at = 0; at < block.length; at += size) pieces.push(block.subarray(at, at + size))
    const parts = pieces.map((piece, at) => {
      const last = at === pieces.length - 1 ? flag.endHeaders : 0
      if (at > 0) return frame(type.continuation, last, stream, piece)
      return frame(type.headers, (flags & flag.endStream) | last, stream, piece)
    })
    return Buffer.concat(parts)
  }

  /** Where it is cut, the first bytes go one by one. */
  async #send(bytes: Buffer): Promise<void> {
    const singles = this.#isCut ? Math.min(bytes.length, 120) : 0
    for (let at = 0; at < singles && this.#socket.writable; at += 1) {
      this.#socket.write(bytes.subarray(at, at + 1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#socket.writable) this.#socket.write(bytes.subarray(singles))
  }

  override _final(done: () => void): void {
    this.#socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
