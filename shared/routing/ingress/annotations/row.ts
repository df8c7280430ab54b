// What is a row of an annotation table? One key of a family: how its value is written, what it means, what Weir does with it.
//
// Invariant: a row that `failsClosed` and is not understood closes the Ingress's routes (503): the owner asked for a
// protection, and serving without it would be serving open.
import type { IngressDefaults } from '../defaults.ts'
import type { Draft } from './draft.ts'
import type { Parser } from './values.ts'

/** What every row tells the reader of docs/annotations.md. */
interface RowText {
  /** Without the family's prefix. */
  readonly key: string
  /** How the value is written. */
  readonly value: string
  /** What it does, or for an unsupported key what to do instead. */
  readonly meaning: string
  readonly failsClosed: boolean
  /** It says which requests the routes mean: when it cannot be read, nobody knows. */
  readonly narrows?: boolean
  /** An empty value closes the routes, where for other keys of the family it is an absent one. */
  readonly emptyCloses?: true
  /** Says whether in ingress-nginx it counts for all routes of its host, those of other Ingresses too; absent: it does not. */
  readonly ofHost?: (defaults: IngressDefaults) => boolean
}

/** A key that Weir acts on. */
export interface SupportedRow extends RowText {
  readonly state: 'supported'
  /** Reads a value into a change of the draft; a string is the end of "The value …" when it does not parse. */
  readonly read: (text: string, draft: Draft) => Partial<Draft> | string
}

/** A key that Weir knows and does not act on. */
export interface UnsupportedRow extends RowText {
  readonly state: 'unsupported'
  /** Values that ask for nothing, or for what Weir does anyway: no problem is reported for them. */
  readonly inert: readonly string[]
}

export type Row = SupportedRow | UnsupportedRow

/** All keys of one prefix. Rows are applied in the order of the table, so that later ones may build on earlier ones. */
export interface Family {
  /** With its slash. */
  readonly prefix: string
  readonly rows: readonly Row[]
  /** Fixed answers and guards act in the order of ingress-nginx's phases. */
  readonly hasPhases?: true
}

/** What is lost with a key that cannot be read: nothing that matters, a protection, or which requests the routes mean. */
export type Loss = 'harmless' | 'protection' | 'match'

/** Says what the loss of a row's key would be. */
export function lossOf({ narrows, failsClosed }: Row): Loss {
  if (narrows === true) return 'match'
  return failsClosed ? 'protection' : 'harmless'
}

type Apply<T> = (value: T, draft: Draft) => Partial<Draft> | string

/**
 * Makes a row of a parser and what its value changes; `apply` may still refuse a value with a reason.
 * A value that cannot be read is reported, and the route is served without it.
 */
export function supported<T>(
  key: string,
  value: string,
  meaning: string,
  parse: Parser<T>,
  apply: Apply<T>,
): SupportedRow {
  return { key, value, meaning, failsClosed: false, state: 'supported', read: reader(parse, apply) }
}

/** Makes a row as `supported` does; a value that cannot be read is reported, and the route answers 503. */
export function guarded<T>(
  key: string,
  value: string,
  meaning: string,
  parse: Parser<T>,
  apply: Apply<T>,
): SupportedRow {
  return { ...supported(key, value, meaning, parse, apply), failsClosed: true }
}

/** Makes the row one of a host. */
export function ofHost<R extends Row>(row: R, when: RowText['ofHost'] = () => true): R {
  return { ...row, ofHost: when }
}

/** Makes the row refuse an empty value, as ingress-nginx does. */
export function emptyCloses<R extends Row>(row: R): R {
  return { ...row, emptyCloses: true }
}

/** Says whether a key of ingress-nginx with an empty value counts as absent, as there; a guard does only where that is asked for. */
export function emptyIsNone({ failsClosed, emptyCloses }: Row, { like }: IngressDefaults): boolean {
  return emptyCloses !== true && (!failsClosed || like === 'ingress-nginx')
}

/** Makes the row take an empty value for an absent one, as ingress-nginx does. */
export function emptyIsAbsent(row: SupportedRow): SupportedRow {
  return { ...row, read: (text, draft) => (text === '' ? {} : row.read(text, draft)) }
}

/** Makes the row report a value that ingress-nginx does not act on, and leave it out; `why` is the end of "The value …". */
export function ignoring(
  row: SupportedRow,
  why: (text: string, draft: Draft) => string | undefined,
): SupportedRow {
  const read: SupportedRow['read'] = (text, draft) => {
    const reason = why(text, draft)
    return reason === undefined ? row.read(text, draft) : { remark: `${reason}, and has no effect` }
  }
  return { ...row, read }
}

function reader<T>(parse: Parser<T>, apply: Apply<T>): SupportedRow['read'] {
  return (text, draft) => {
    const result = parse(text)
    return result.ok ? apply(result.value, draft) : result.reason
  }
}

/** Makes a row for a key whose loss does no harm: it is reported, and the route is served without it. */
export function unsupported(
  key: string,
  value: string,
  meaning: string,
  inert: readonly string[] = [],
): UnsupportedRow {
  return { key, value, meaning, failsClosed: false, state: 'unsupported', inert }
}

/** Makes a row for a key that protects something: it is reported, and the route answers 503. */
export function refused(
  key: string,
  value: string,
  meaning: string,
  inert: readonly string[] = [],
): UnsupportedRow {
  return { key, value, meaning, failsClosed: true, state: 'unsupported', inert }
}
