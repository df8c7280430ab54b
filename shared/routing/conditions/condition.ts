// Which requests, among those that a host and a path find, does a route mean? The words; compile.ts makes them questions.

/** One condition. A route's conditions must all hold. Names of headers are lower case. */
export type Condition =
  | { readonly kind: 'method'; readonly anyOf: readonly string[] }
  | {
      readonly kind: 'header' | 'query' | 'cookie'
      readonly name: string
      readonly text: TextMatch
    }
  /** CIDRs. `client`: by the rules of X-Forwarded-For; `peer`: the socket's (or the PROXY header's) address. */
  | {
      readonly kind: 'source'
      readonly networks: readonly string[]
      readonly of: 'client' | 'peer'
    }
  /** Wall clock, ms since the epoch; from is included, until is not. */
  | { readonly kind: 'time'; readonly fromMs: number; readonly untilMs: number }
  /** The request's draw, one number in [0, 1) for all routes, is in [from, below). */
  | { readonly kind: 'share'; readonly from: number; readonly below: number }
  | { readonly kind: 'not'; readonly condition: Condition }

/** How one text is compared. `regex` is RE2 and matches anywhere unless it is anchored. */
export type TextMatch =
  | { readonly kind: 'present' }
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: string }
