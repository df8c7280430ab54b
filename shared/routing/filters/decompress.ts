// How is a response sent without its coding, for filters that look at its body and for clients that know none?
//
// Invariant: what cannot be decoded is cut, never passed on as if it were whole; memory is one zlib stream
// and what one piece of the body becomes, which is bounded: a piece that expands without measure is cut.
import type { BrotliDecompress } from 'node:zlib'
import type { BodyControl, BodySink, BodyStage, Filter, FilterKind, ResponseView } from './kind.ts'

// A piece is some 64 KiB: texts become 20 times as long, and only what was made for it a thousand times.
const mostOfPiece = 16 << 20

/** Takes the coding off responses: gzip, deflate, br or zstd, one of them. */
export type DecompressFilter = Filter & { readonly kind: 'decompress' }

export const decompressKind: FilterKind<DecompressFilter> = {
  kind: 'decompress',
  fault: () => undefined,
  compile: () => ({
    responseBody(response, next, control) {
      const coding = response.field('content-encoding')?.trim().toLowerCase() ?? ''
      const stream = hasBody(response) ? createStream(coding) : undefined
      if (stream === undefined) return undefined
      response.dropField('content-encoding')
      const tag = response.field('etag')
      if (tag?.startsWith('"') === true) response.setField('etag', `W/${tag}`)
      control.forgetLength()
      return new Decompressor(stream, next, control)
    },
  }),
}

function hasBody({ status, bodyLength, request }: ResponseView): boolean {
  return bodyLength !== 0 && request.method !== 'HEAD' && status !== 206 && status !== 304
}

function createStream(coding: string): BrotliDecompress | undefined {
  const zlib = process.getBuiltinModule('node:zlib')
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip()
    case 'deflate':
      return zlib.createInflate()
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return zlib.createZstdDecompress()
    default:
      return undefined
  }
}

class Decompressor implements BodyStage {
  readonly #zlib: BrotliDecompress
  readonly #next: BodySink
  readonly #control: BodyControl
  #isOver = false
  /** Of the piece at hand. */
  #made = 0

  constructor(zlib: BrotliDecompress, next: BodySink, control: BodyControl) {
    this.#zlib = zlib
    this.#next = next
    this.#control = control
    zlib.on('data', (bytes: Buffer) => {
      if (this.#isOver) return
      this.#made += bytes.length
      if (this.#made <= mostOfPiece) next.write(bytes)
      else this.#cut()
    })
    zlib.on('error', () => {
      if (!this.#isOver) control.fail('upstream-malformed')
    })
  }

  write(bytes: Buffer): boolean {
    this.#made = 0
    this.#zlib.write(Buffer.from(bytes), () => {
      if (!this.#isOver) this.#control.resume()
    })
    return false
  }

  end(trailers: string): void {
    this.#zlib.once('end', () => {
      if (this.#isOver) return
      this.#isOver = true
      this.#next.end(trailers)
    })
    this.#zlib.end()
  }

  #cut(): void {
    this.abort()
    this.#control.fail('upstream-malformed')
  }

  abort(): void {
    this.#isOver = true
    this.#zlib.destroy()
  }
}
