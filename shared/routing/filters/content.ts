// What does a route answer by itself, or say in the place of an upstream: a status, a text?
import { Buffer } from 'node:buffer'
import type { BodySink, BodyStage, Filter, FilterKind, ResponseView } from './kind.ts'

/** Gives every response this status. */
export interface ResponseStatusFilter extends Filter {
  readonly kind: 'response-status'
  readonly status: number
}

/** Answers every request. */
export interface AnswerTextFilter extends Filter {
  readonly kind: 'answer-text'
  readonly text: string
  /** Media type. */
  readonly type: string
  /** Said again and again up to so many bytes; absent: once. */
  readonly length?: number
  /** Letters at random instead of the text. */
  readonly isRandom?: true
}

/** Puts a text in the place of the body of responses with a status. */
export interface ReplaceBodyFilter extends Filter {
  readonly kind: 'replace-body'
  readonly status: number
  readonly text: string
  readonly type: string
}

const maxLength = 10 << 20

export const responseStatusKind: FilterKind<ResponseStatusFilter> = {
  kind: 'response-status',
  isGuard: true,
  fault: ({ status }) =>
    status >= 200 && status <= 599 ? undefined : 'the status must be 200 to 599',
  compile: ({ status }) => ({
    response: {
      kind: 'sync',
      includesOwn: true,
      decide(response) {
        if (response.status !== 101) response.status = status
        return undefined
      },
    },
  }),
}

export const answerTextKind: FilterKind<AnswerTextFilter> = {
  kind: 'answer-text',
  isGuard: true,
  fault({ type, length }) {
    if (!isType(type)) return 'the type must be a media type'
    return length === undefined || (length >= 0 && length <= maxLength)
      ? undefined
      : `the length must be 0 to ${maxLength} bytes`
  },
  compile({ text, type, length, isRandom }, { random }) {
    const bytes = Buffer.from(text)
    // What is long is made for each request: thousands of routes may ask for some.
    const bodyFor = () => {
      if (length === undefined) return bytes
      return repeated(isRandom === true ? randomLetters(length, random) : bytes, length)
    }
    return {
      request: {
        kind: 'sync',
        decide: () => ({
          status: 200,
          code: 'answered',
          headers: [['content-type', type]],
          body: bodyFor(),
        }),
      },
    }
  },
}

export const replaceBodyKind: FilterKind<ReplaceBodyFilter> = {
  kind: 'replace-body',
  fault: ({ type }) => (isType(type) ? undefined : 'the type must be a media type'),
  compile({ status, text, type }) {
    const body = Buffer.from(text)
    return {
      response: {
        kind: 'sync',
        includesOwn: 'only',
        decide: (response) =>
          response.status === status
            ? { status, code: response.code, headers: [['content-type', type]], body }
            : undefined,
      },
      responseBody(response, next) {
        if (response.status !== status || !mayHaveBody(response)) return undefined
        response.setField('content-type', type)
        response.dropField('content-encoding')
        response.bodyLength = undefined
        return new Replacement(body, next)
      },
    }
  },
}

function isType(type: string): boolean {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(type)
}

function mayHaveBody({ status, request }: ResponseView): boolean {
  return request.method !== 'HEAD' && status !== 204 && status !== 304
}

/** Says its own text when the body that it stands for has ended; the upstream's bytes go nowhere. */
class Replacement implements BodyStage {
  readonly #body: Buffer
  readonly #next: BodySink

  constructor(body: Buffer, next: BodySink) {
    this.#body = body
    this.#next = next
  }

  write(): boolean {
    return true
  }

  end(): void {
    if (this.#body.length > 0) this.#next.write(this.#body)
    this.#next.end('')
  }

  abort(): void {}
}

function repeated(bytes: Buffer, length: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(length, bytes)
}

// Each letter is a draw: millions of them would hold up other requests.
const mostRandom = 64 << 10
const letters = Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')

/** Letters up to a length; of a long one the beginning, which is repeated. */
function randomLetters(length: number, random: () => number): Buffer {
  const bytes = Buffer.alloc(Math.min(length, mostRandom))
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = letters[Math.floor(random() * letters.length)] ?? 0
  }
  return bytes
}
