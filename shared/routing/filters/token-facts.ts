// What did a filter learn of the token of a request, for those behind it?
//
// Invariant: what is learned is forgotten with the end of the request: a view is used again for the next one of its connection.
import type { RequestView } from './kind.ts'

/** What is known of a token that was found good. */
export interface TokenFacts {
  /** Whose it is; empty: nobody said. */
  readonly user: string
  /** All that it says: fields are named by their place in it. */
  readonly content: Readonly<Record<string, unknown>>
  /** Who issued it was asked, and answered with the content. */
  readonly isInfo: boolean
}

const known = new WeakMap<RequestView, TokenFacts>()

/** Notes what is known of a request's token. */
export function noteToken(request: RequestView, facts: TokenFacts): void {
  known.set(request, facts)
  request.whenFinished(() => void known.delete(request))
}

/** What is known of a request's token; undefined: no filter has looked at one. */
export function tokenFactsOf(request: RequestView): TokenFacts | undefined {
  return known.get(request)
}
