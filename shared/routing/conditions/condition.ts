// Which requests, among those that a host and a path find, does a route mean? The words; compile.ts makes them questions.

/** One condition. A route's conditions must all hold. */
export type Condition =
  | MethodCondition
  | TextCondition
  | SourceCondition
  | TimeCondition
  | ShareCondition
  | { readonly kind: 'not'; readonly condition: Condition }

/** The method is one of these; case counts. */
export interface MethodCondition {
  readonly kind: 'method'
  readonly anyOf: readonly string[]
}

/** A header field (its name in lower case), the first query parameter or the first cookie of a name. */
export interface TextCondition {
  readonly kind: 'header' | 'query' | 'cookie'
  readonly name: string
  readonly text: TextMatch
}

/** How one text is compared. `regex` is RE2, with case, and matches anywhere unless it is anchored. */
export type TextMatch =
  | { readonly kind: 'present' }
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: string }

/** CIDRs. `client`: by the rules of X-Forwarded-For; `peer`: the address of the PROXY header, else the socket's. */
export interface SourceCondition {
  readonly kind: 'source'
  readonly networks: readonly string[]
  readonly of: 'client' | 'peer'
}

/** Wall clock, ms since the epoch; from is included, until is not. */
export interface TimeCondition {
  readonly kind: 'time'
  readonly fromMs: number
  readonly untilMs: number
}

/** The request's draw, one number in [0, 1) for all routes, is in [from, below). */
export interface ShareCondition {
  readonly kind: 'share'
  readonly from: number
  readonly below: number
}
