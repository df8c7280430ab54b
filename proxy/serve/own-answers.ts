// What does Weir answer by itself, besides failures and the answers of filters?
import { type FailureCode, failures } from '../../shared/routing/failure.ts'
import type { Answer, FieldEdits, FieldLines } from '../../shared/routing/filters/kind.ts'
import type { ServerHeader, ServingRules } from '../../shared/routing/serving-rules.ts'
import { errorPage } from './error-page.ts'

const textFields: Answer['headers'] = [['Content-Type', 'text/plain; charset=utf-8']]
// RFC 9110 §15.5.6: a 405 says what may be used instead.
const methodFields: Answer['headers'] = [
  ...textFields,
  ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
]

/** The page of a failure: what every client gets that meets it. */
export function failureAnswer(code: FailureCode, requestId?: string): Answer {
  const headers = code === 'method-refused' ? methodFields : textFields
  return { status: failures[code].status, code, headers, body: errorPage(code, requestId) }
}

/** `OPTIONS *` asks about the server, not about a resource behind it (RFC 9110 §9.3.7). */
export const serverOptions: Answer = { status: 200, code: '', headers: [], body: '' }

/** What becomes of the field Server. */
export interface ServerRule {
  /** Where no upstream has named itself, or may not. */
  readonly line: FieldLines
  /** Takes an upstream's own out; undefined: it is passed on. */
  readonly hides: FieldEdits | undefined
}

const weirLine = 'Server: weir\r\n'
const hides: FieldEdits = { dropped: new Set(['server']), appended: '' }

/** Makes the rule of what objects say, or else of the option. */
export function serverRuleOf(
  option: ServerHeader,
  { serverHeader = option }: ServingRules,
): ServerRule {
  return {
    line: serverHeader === 'none' ? '' : weirLine,
    hides: serverHeader === 'pass' ? undefined : hides,
  }
}

/** Field lines of an answer of Weir's own, with its length (RFC 9110 §8.6: a 204 has none). */
export function ownLines({ status, headers, body }: Answer): FieldLines {
  let lines = ''
  for (const [name, value] of headers) lines += `${name}: ${value}\r\n`
  return status === 204 ? lines : `${lines}Content-Length: ${Buffer.byteLength(body)}\r\n`
}
