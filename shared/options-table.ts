// What is an option? Each is written down once, in a table; its flag, environment variable, configuration key,
// validation, help and README row all follow from that one entry.
//
//   headerTimeoutMs  →  --header-timeout-ms  ·  WEIR_HEADER_TIMEOUT_MS  ·  header-timeout-ms: (in the --config file)

/** A wrong setting: the message is one sentence that says what, where it came from, and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** How the texts of one option become a value; see options-kinds.ts. */
export interface Kind<T> {
  /** Stands for the value in the help, such as `HOST:PORT`; empty for a boolean, which takes no value. */
  readonly placeholder: string
  /** Completes the sentence "must be …". */
  readonly allowed: string
  /** Lists collect every text given; other kinds take exactly one. */
  readonly isList: boolean
  /** Returns undefined when the texts are not allowed. Scalar kinds get exactly one text. */
  readonly parse: (texts: readonly string[]) => T | undefined
  /** Writes a value as a user would. */
  readonly format: (value: T) => string
}

/** One option of a table. */
export interface Option<T> extends Pick<Kind<T>, 'placeholder' | 'allowed' | 'isList' | 'parse'> {
  /** Heading under which the help lists it. */
  readonly group: string
  readonly default: T
  /** The default as the help and the README show it. */
  readonly shownDefault: string
  /** The default of somebody who asks, by the option `like`, for that of another system. */
  readonly likes: Readonly<Record<string, LikeDefault<T>>>
  /** One sentence, with a full stop. */
  readonly help: string
}

/** The default that another system has. */
export interface LikeDefault<T> {
  readonly value: T
  /** As the help and the README show it. */
  readonly shown: string
}

/** All options of one program, by the camel-case name of the setting. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>

/** The settings that a table stands for. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name]['default']
}

interface Spec<T> {
  readonly group: string
  readonly default: T
  readonly help: string
  /** By the name of the system that `like` takes. */
  readonly likes?: Readonly<Record<string, T>>
}

/** Makes an option that always has a value. */
export function option<T>(kind: Kind<T>, spec: Spec<NoInfer<T>>): Option<T> {
  const { placeholder, allowed, isList, parse, format } = kind
  const shownDefault = format(spec.default)
  const likes = likesOf(spec.likes, format)
  return { ...spec, placeholder, allowed, isList, parse, shownDefault, likes }
}

function likesOf<T>(
  likes: Readonly<Record<string, T>> = {},
  format: (value: T) => string,
): Readonly<Record<string, LikeDefault<T>>> {
  return Object.fromEntries(
    Object.entries(likes).map(([name, value]) => [name, { value, shown: format(value) }]),
  )
}

/** Makes an option that may be absent; `absent` says in the help what happens then. */
export function optional<T>(
  kind: Kind<T>,
  spec: Omit<Spec<T>, 'default'> & { readonly absent: string },
): Option<T | undefined> {
  const { placeholder, allowed, isList, parse, format } = kind
  const { group, help, absent } = spec
  return {
    group,
    help,
    placeholder,
    allowed,
    isList,
    parse,
    default: undefined,
    shownDefault: absent,
    likes: likesOf(spec.likes, format),
  }
}

/** Turns `headerTimeoutMs` into `header-timeout-ms`: the flag without its dashes and the key of the file. */
export function optionKey(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Turns `headerTimeoutMs` into `WEIR_HEADER_TIMEOUT_MS`. */
export function optionEnv(name: string): string {
  return `WEIR_${optionKey(name).replaceAll('-', '_').toUpperCase()}`
}
