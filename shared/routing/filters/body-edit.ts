// Which texts in a body are replaced, as Skipper's sed filters do it?
//
// Invariant: memory and time are bounded: what is held back for a match is at most `maxBytes`; a larger body is edited piece by
// piece, or fails, as the filter says. A pattern costs linear time (RE2), a literal text next to none.
import { Buffer, isUtf8 } from 'node:buffer'
import { compileReplaceAll, isLiteralPattern, type Replace } from '../pattern.ts'
import type { BodyControl, BodySink, BodyStage, Filter, FilterKind, Stages } from './kind.ts'

/** Edits a body. */
export interface BodyEditFilter extends Filter {
  readonly kind: 'body-edit'
  readonly on: 'request' | 'response'
  readonly pattern: string
  readonly replacement: string
  /** No match reaches over it: what stands before it need not wait for what comes behind. Absent: the body is one text. */
  readonly delimiter?: string
  /** How much is held back, 1 to 2 MiB. */
  readonly maxBytes: number
  /** A body of which more would have to be held back fails instead of being edited in pieces. */
  readonly failsAbove?: true
}

const most = 2 << 20
// A hostile pattern takes some µs per character.
const mostForPatterns = 256 << 10
/** What a piece may become: a short text may have a long replacement many times. */
const mostMade = 8 << 20

export const bodyEditKind: FilterKind<BodyEditFilter> = {
  kind: 'body-edit',
  isGuard: true,
  fault({ pattern, replacement, maxBytes, delimiter }) {
    if (!(maxBytes >= 1 && maxBytes <= most)) return `what is held back must be 1 to ${most} bytes`
    if (delimiter === '') return 'a delimiter has a character at least'
    const result = compileReplaceAll(pattern, replacement)
    return result.ok ? undefined : result.reason
  },
  compile({ on, pattern, replacement, delimiter, maxBytes, failsAbove }): Stages {
    const result = compileReplaceAll(pattern, replacement, mostMade)
    if (!result.ok) throw new RangeError(result.reason)
    const { replace } = result
    const holds = isLiteralPattern(pattern) ? maxBytes : Math.min(maxBytes, mostForPatterns)
    const limit = { maxBytes: holds, failsAbove: failsAbove === true }
    const end = delimiter === undefined ? undefined : Buffer.from(delimiter)
    const edit = (next: BodySink, control: BodyControl) => {
      control.forgetLength()
      return new Editor(replace, end, limit, next, control)
    }
    if (on === 'request') {
      return {
        requestBody: (request, next, control) =>
          request.bodyLength === 0 ? undefined : edit(next, control),
      }
    }
    return {
      responseBody(response, next, control) {
        const { status, request, bodyLength } = response
        if (bodyLength === 0 || request.method === 'HEAD' || status === 206 || status === 304) {
          return undefined
        }
        return edit(next, control)
      },
    }
  },
}

interface Limit {
  readonly maxBytes: number
  readonly failsAbove: boolean
}

/** Holds a body back and passes it on edited. */
class Editor implements BodyStage {
  readonly #replace: Replace
  readonly #delimiter: Buffer | undefined
  readonly #limit: Limit
  readonly #next: BodySink
  readonly #control: BodyControl
  #held: Buffer[] = []
  #length = 0
  #hasFailed = false

  constructor(
    replace: Replace,
    delimiter: Buffer | undefined,
    limit: Limit,
    next: BodySink,
    control: BodyControl,
  ) {
    this.#replace = replace
    this.#delimiter = delimiter
    this.#limit = limit
    this.#next = next
    this.#control = control
  }

  write(bytes: Buffer): boolean {
    if (this.#hasFailed) return true
    this.#held.push(Buffer.from(bytes))
    this.#length += bytes.length
    if (this.#delimiter !== undefined && bytes.includes(this.#delimiter.at(-1) ?? 0)) {
      return this.#passWhole(this.#delimiter)
    }
    if (this.#length <= this.#limit.maxBytes) return true
    if (!this.#limit.failsAbove) return this.#pass()
    this.#hasFailed = true
    this.#control.fail('body-too-large')
    return true
  }

  end(trailers: string): void {
    if (this.#hasFailed) return
    if (this.#length > 0) this.#pass()
    if (this.#hasFailed) return
    this.#next.end(trailers)
  }

  abort(): void {
    this.#hasFailed = true
    this.#held = []
  }

  /** Passes on all that is held, edited. */
  #pass(): boolean {
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    this.#length = 0
    return this.#write(bytes)
  }

  /** Passes on what stands before the last delimiter, and that. */
  #passWhole(delimiter: Buffer): boolean {
    const bytes = Buffer.concat(this.#held)
    const at = bytes.lastIndexOf(delimiter)
    if (at === -1) {
      this.#held = [bytes]
      return bytes.length <= this.#limit.maxBytes || this.#pass()
    }
    const end = at + delimiter.length
    const rest = Buffer.from(bytes.subarray(end))
    this.#held = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    return this.#write(bytes.subarray(0, end))
  }

  #write(bytes: Buffer): boolean {
    // What is no text is edited byte by byte.
    const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
    const text = this.#replaced(bytes.toString(encoding))
    if (text === undefined) return true
    const edited = Buffer.from(text, encoding)
    return edited.length === 0 || this.#next.write(edited)
  }

  /** Undefined: it would be too long, and the body has failed. */
  #replaced(text: string): string | undefined {
    try {
      return this.#replace(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#hasFailed = true
      this.#control.fail('body-too-large')
      return undefined
    }
  }
}
