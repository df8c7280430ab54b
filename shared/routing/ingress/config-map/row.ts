// What is a row of the table of ingress-nginx's ConfigMap? One key: how its value is written, what it means, what Weir does with it.
//
// Invariant: a key that may protect and cannot be read closes all routes that rely on it (503), as with annotations.
import type { Parser } from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'

/** What every row tells the reader of docs/config-map.md. */
interface RowText {
  readonly key: string
  /** How the value is written. */
  readonly value: string
  /** What ingress-nginx has without the key, as it would be written there; empty: nothing. Counts with `--like`. */
  readonly initial: string
  /** What it does, or what to do instead. */
  readonly meaning: string
  readonly failsClosed: boolean
  /** The option of the proxy, without dashes, that holds the initial value: `--like` changes its default. */
  readonly option?: string
}

/** A key that Weir acts on; `differs`: not in every detail as ingress-nginx, the meaning says how. */
export interface SupportedKey extends RowText {
  readonly verdict: 'supported' | 'differs'
  /** Reads a value into a change of the defaults; a string is the end of "The value …" when it does not parse. */
  readonly read: (text: string, defaults: IngressDefaults) => Partial<IngressDefaults> | string
  /** What is wrong with a value that is used, as the end of "The value …"; undefined: nothing. */
  readonly remark?: (text: string) => string | undefined
}

/** A key without effect: `ignored` loses nothing that a client could notice, `refused` closes all routes. */
export interface UnsupportedKey extends RowText {
  readonly verdict: 'ignored' | 'refused'
  /** Values, besides `initial`, that ask for nothing, or for what Weir does anyway: no problem is reported for them. */
  readonly inert: readonly string[]
  /** It closes those routes only whose Ingress does not go without a firewall. */
  readonly ofFirewall?: true
}

export type ConfigMapRow = SupportedKey | UnsupportedKey

type Apply<T> = (value: T, defaults: IngressDefaults) => Partial<IngressDefaults> | string

/** Makes a row of a parser and what its value changes. A value that cannot be read is reported, and the default stays. */
export function supportedKey<T>(
  key: string,
  value: string,
  initial: string,
  meaning: string,
  parse: Parser<T>,
  apply: Apply<T>,
): SupportedKey {
  const read: SupportedKey['read'] = (text, defaults) => {
    const result = parse(text)
    return result.ok ? apply(result.value, defaults) : result.reason
  }
  return { key, value, initial, meaning, failsClosed: false, verdict: 'supported', read }
}

/** Makes a row as `supportedKey` does; a value that cannot be read closes the routes that rely on it. */
export function guardedKey<T>(...row: Parameters<typeof supportedKey<T>>): SupportedKey {
  return { ...supportedKey(...row), failsClosed: true }
}

/** Says of a supported row that Weir differs in what its meaning tells. */
export function differs(row: SupportedKey): SupportedKey {
  return { ...row, verdict: 'differs' }
}

/** Says of a row what may be wrong with a value that is used all the same. */
export function remarking(
  row: SupportedKey,
  remark: NonNullable<SupportedKey['remark']>,
): SupportedKey {
  return { ...row, remark }
}

/** Says of a row that an option of the proxy holds its initial value. */
export function heldBy<T extends ConfigMapRow>(option: string, row: T): T {
  return { ...row, option }
}

/** Makes a row for a key whose loss nobody notices: it is reported, and has no effect. */
export function ignoredKey(
  key: string,
  value: string,
  initial: string,
  meaning: string,
  inert: readonly string[] = [],
): UnsupportedKey {
  return { key, value, initial, meaning, failsClosed: false, verdict: 'ignored', inert }
}

/** Makes a row for a key that may protect something: it is reported, and all routes answer 503. */
export function refusedKey(...row: Parameters<typeof ignoredKey>): UnsupportedKey {
  return { ...ignoredKey(...row), failsClosed: true, verdict: 'refused' }
}
