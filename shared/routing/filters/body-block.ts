// Which requests are refused for what stands in their bodies (Skipper's blockContent)?
//
// Invariant: no refused text passes whole: bytes that may begin one go on before its end is seen, its last byte never does.
import { Buffer } from 'node:buffer'
import type { BodyControl, BodySink, BodyStage, Filter, FilterKind } from './kind.ts'

/** Refuses bodies that hold one of some texts. */
export interface BodyBlockFilter extends Filter {
  readonly kind: 'body-block'
  /** Bytes in base64. */
  readonly texts: readonly string[]
}

const maxLength = 4096

export const bodyBlockKind: FilterKind<BodyBlockFilter> = {
  kind: 'body-block',
  isGuard: true,
  fault({ texts }) {
    if (texts.length === 0) return 'there is no text to refuse'
    return texts.every((text) => isSize(Buffer.from(text, 'base64').length))
      ? undefined
      : `a text must have 1 to ${maxLength} bytes`
  },
  compile({ texts }) {
    const wanted = texts.map((text) => Buffer.from(text, 'base64'))
    return {
      requestBody: (request, next, control) =>
        request.bodyLength === 0 ? undefined : new Blocker(wanted, next, control),
    }
  },
}

function isSize(length: number): boolean {
  return length >= 1 && length <= maxLength
}

/** Looks for texts in a body, over the borders of its pieces. */
class Blocker implements BodyStage {
  readonly #wanted: readonly Buffer[]
  readonly #keeps: number
  readonly #next: BodySink
  readonly #control: BodyControl
  #tail = Buffer.alloc(0)
  #isBlocked = false

  constructor(wanted: readonly Buffer[], next: BodySink, control: BodyControl) {
    this.#wanted = wanted
    this.#keeps = Math.max(...wanted.map(({ length }) => length)) - 1
    this.#next = next
    this.#control = control
  }

  write(bytes: Buffer): boolean {
    if (this.#isBlocked) return true
    const seen = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes])
    if (this.#wanted.some((text) => seen.includes(text))) {
      this.#isBlocked = true
      this.#control.fail('content-refused')
      return true
    }
    this.#tail = Buffer.from(seen.subarray(Math.max(0, seen.length - this.#keeps)))
    return this.#next.write(bytes)
  }

  end(trailers: string): void {
    if (!this.#isBlocked) this.#next.end(trailers)
  }

  abort(): void {
    this.#isBlocked = true
  }
}
