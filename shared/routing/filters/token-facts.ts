// What did a filter learn of the token of a request, for those behind it?
import type { RequestView } from './kind.ts'
import { createNotes } from './notes.ts'

/** What is known of a token that was found good. */
export interface TokenFacts {
  /** Whose it is; empty: nobody said. */
  readonly user: string
  /** All that it says: fields are named by their place in it. */
  readonly content: Readonly<Record<string, unknown>>
  /** Who issued it was asked, and answered with the content. */
  readonly isInfo: boolean
}

const known = createNotes<TokenFacts>()

/** Notes what is known of a request's token. */
export function noteToken(request: RequestView, facts: TokenFacts): void {
  known.set(request, facts)
}

/** What is known of a request's token; undefined: no filter has looked at one. */
export function tokenFactsOf(request: RequestView): TokenFacts | undefined {
  return known.get(request)
}
