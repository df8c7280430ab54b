// What is eskip? Skipper's language of routes, as plain data: the parser makes it, the printer writes it, the tables of
// predicates and filters read it. READ FIRST.
//
//   id: Predicate("a", 1) && Other(/regexp/) -> filter("b") -> "http://10.0.0.1:8080";
//
// Invariant: everything that may be wrong in a way that an owner must find has a place: line and column of the first character.

/** A list of routes, as a file or the annotation `zalando.org/skipper-routes` holds it. */
export interface EskipRoute {
  /** Empty for a document that is one route without a name. */
  readonly id: string
  /** All must hold. Empty for `*`. */
  readonly predicates: readonly Call[]
  /** In the order in which they act. */
  readonly filters: readonly Call[]
  readonly backend: EskipBackend
  readonly at: Position
}

/** A predicate or a filter: its name and what it is given. */
export interface Call {
  readonly name: string
  readonly args: readonly Arg[]
  readonly at: Position
}

/** What a call is given. */
export type Arg = string | number | RegexpArg

/** `/…/`, without its slashes. Wherever Skipper takes one it takes the same text in quotes, and the other way round. */
export interface RegexpArg {
  readonly regexp: string
}

/** What serves the requests of a route. */
export type EskipBackend =
  /** One address, such as `http://10.0.0.1:8080`. */
  | { readonly kind: 'network'; readonly address: string; readonly at: Position }
  | { readonly kind: 'shunt' | 'loopback' | 'dynamic' | 'forward'; readonly at: Position }
  | LbBackend

/** `<algorithm, "endpoint", "endpoint">`. */
export interface LbBackend {
  readonly kind: 'lb'
  /** As written, such as `roundRobin`; absent: Skipper's first, which is round robin. */
  readonly algorithm?: string
  /** At least one address. */
  readonly endpoints: readonly string[]
  readonly at: Position
}

/** A character of a text; both count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Why a text is no eskip. */
export interface EskipFault extends Position {
  readonly ok: false
  /** What could stand at this place, as the end of "expected …". */
  readonly expected: string
  /** What stands there, shown: a piece of the text, or `the end`. */
  readonly found: string
}

/** What a text of eskip says, or the first place at which it says nothing. */
export type EskipResult<T> = { readonly ok: true; readonly value: T } | EskipFault

/** Gives the text of an argument that is one, in quotes or as a regular expression. */
export function textOfArg(arg: Arg | undefined): string | undefined {
  if (typeof arg === 'object') return arg.regexp
  return typeof arg === 'string' ? arg : undefined
}

/** Says what is wrong in one line: `line 2, column 5: expected "->", found ";"`. */
export function tellFault({ line, column, expected, found }: EskipFault): string {
  return `line ${line}, column ${column}: expected ${expected}, found ${found}`
}
