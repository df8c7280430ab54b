// Which requests, among those that a host and a path find, does a route mean? The words; compile.ts makes them questions.

/** One condition. A route's conditions must all hold. */
export type Condition =
  | MethodCondition
  | TextCondition
  | SourceCondition
  | TimeCondition
  | ShareCondition
  | ChanceCondition
  | HostCondition
  | PathCondition
  | LengthCondition
  | HashCondition
  | TokenCondition
  | CronCondition
  | { readonly kind: 'draining' }
  | { readonly kind: 'never' }
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
  /**
   * As Skipper compares: each line of the header alone, each parameter of that name, the cookie without quotes around it; one
   * that fits is enough. Absent: as above.
   */
  readonly each?: true
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

/** By chance; two conditions of different seeds hold independently of each other. */
export interface ChanceCondition {
  readonly kind: 'chance'
  /** From 0, never, to 1, always. */
  readonly chance: number
  readonly seed: number
  /** Who has a cookie of this name is in the group or not, without chance. */
  readonly sticky?: { readonly cookie: string; readonly group: string }
}

/** The host, in lower case, without port and trailing dot: an RE2 pattern that matches anywhere in it. */
export interface HostCondition {
  readonly kind: 'host'
  readonly pattern: string
}

/** The path, its escapes decoded and its slashes merged: an RE2 pattern that matches anywhere in it. */
export interface PathCondition {
  readonly kind: 'path'
  readonly pattern: string
}

/** The body's length is in [from, below) and known. */
export interface LengthCondition {
  readonly kind: 'length'
  readonly from: number
  readonly below: number
}

/** One line of a header field (name in lower case) has one of these SHA-256 sums, in hex. */
export interface HashCondition {
  readonly kind: 'hash'
  readonly name: string
  readonly anyOf: readonly string[]
}

/** The token of the client (Authorization: Bearer), whose signature is not looked at, claims these texts: all, or one of them. */
export interface TokenCondition {
  readonly kind: 'token'
  readonly needs: 'all' | 'any'
  readonly claims: readonly { readonly name: string; readonly text: TextMatch }[]
}

/** The minute is one of these, in UTC: five fields as cron has them. */
export interface CronCondition {
  readonly kind: 'cron'
  readonly expression: string
}
