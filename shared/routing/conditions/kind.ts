// What is a kind of condition? Its words in condition.ts, a file beside this one with its check and its question, and a row
// in compile.ts.
//
// Invariant: a question has no effect and asks nobody: it is a pure function of the request (and of the time of day, and of
// whether the proxy is about to leave).
import type { RequestView } from '../filters/kind.ts'

/** Says whether a request is meant. */
export type Question = (request: RequestView) => boolean

/** What a condition may ask besides the request. */
export interface ConditionContext {
  /** Wall clock in ms since the epoch. */
  readonly wallNow: () => number
  /** The proxy is about to leave. Absent: it never is. */
  readonly isDraining?: () => boolean
}

/** One kind of condition. */
export interface ConditionKind<C> {
  /** Says what is wrong with it, as the end of the sentence "The condition …"; undefined when nothing is. */
  fault(condition: C): string | undefined
  /** Makes its question. Must not be called for a condition with a fault. */
  compile(condition: C, context: ConditionContext): Question
}

// RFC 9110 §5.6.2: what the names of methods, fields and cookies are made of.
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Says whether a text is a token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return token.test(text)
}
