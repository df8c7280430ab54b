// From a table of options and what a user gave to settings: flag > environment > `--config` file > default.
//
// Invariant: nothing a user wrote is ignored; what is unknown, doubled or not allowed is a ConfigError of one sentence.
// Invariant: pure; the command line, the environment and file reading are parameters.
import { helpText } from './options-help.ts'
import { filePath } from './options-kinds.ts'
import { type Given, readConfigText, readEnvironment, readFlags } from './options-sources.ts'
import {
  ConfigError,
  type Option,
  type OptionTable,
  type OptionValues,
  optional,
} from './options-table.ts'

/** Where options may come from. */
export interface OptionInput {
  /** Without the program's own name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the `--config` file as UTF-8; throws when it cannot. */
  readonly readFile: (path: string) => string
}

/** What the user asked for: settings, or a text to print before exit 0. */
export type ParsedOptions<Values> =
  | { readonly kind: 'run'; readonly settings: Values }
  | { readonly kind: 'print'; readonly text: string }

/** The program's own words for `--help` and `--version`. */
export interface ProgramTexts {
  readonly heading: string
  /** What `--help` says below the options. */
  readonly footer?: string
  readonly version: string
}

/** The option that every program has besides `--help` and `--version`. */
export const configOption = {
  config: optional(filePath, {
    group: 'General',
    absent: 'off',
    help: 'Reads options from a YAML or JSON file; its keys are the flags without their dashes.',
  }),
} satisfies OptionTable

/** Makes settings from a table; throws ConfigError. */
export function parseOptions<Table extends OptionTable>(
  table: Table,
  { argv, env, readFile }: OptionInput,
  { heading, footer, version }: ProgramTexts,
): ParsedOptions<OptionValues<Table>> {
  if (argv.includes('--help') || argv.includes('-h')) {
    return { kind: 'print', text: helpText(heading, { ...table, ...configOption }, footer) }
  }
  if (argv.includes('--version')) return { kind: 'print', text: `${version}\n` }

  const known = { ...table, ...configOption }
  const fromFlags = readFlags(known, argv)
  const fromEnv = readEnvironment(known, env)
  const config = fromFlags.get('config') ?? fromEnv.get('config')
  const fromFile =
    config === undefined ? new Map<string, Given>() : readConfigFile(table, config, readFile)

  const winners = new Map<string, unknown>()
  for (const [name, option] of Object.entries(table)) {
    // Each source is checked, not only the one that wins: a wrong value must not wait for the day it counts.
    const [winner] = [fromFlags, fromEnv, fromFile].flatMap((source) => {
      const given = source.get(name)
      return given === undefined ? [] : [readValue(option, given)]
    })
    if (winner !== undefined) winners.set(name, winner)
  }
  const like = String(winners.get('like'))
  const values = Object.fromEntries(
    Object.entries(table).map(([name, option]) => [
      name,
      winners.has(name)
        ? winners.get(name)
        : (option.likes[like] ?? { value: option.default }).value,
    ]),
  )
  // Each name of the table got a value of its option's own type.
  return { kind: 'run', settings: values as OptionValues<Table> }
}

function readValue(option: Option<unknown>, { origin, texts }: Given): unknown {
  if (!option.isList && texts.length !== 1) {
    throw new ConfigError(`${origin} takes one value, but ${texts.length} were given.`)
  }
  const value = option.parse(texts)
  if (value === undefined) {
    const given = texts.map((text) => JSON.stringify(text)).join(', ')
    throw new ConfigError(`${origin} must be ${option.allowed}, but it is ${given}.`)
  }
  return value
}

function readConfigFile(
  table: OptionTable,
  config: Given,
  readFile: OptionInput['readFile'],
): Map<string, Given> {
  const path = String(readValue(configOption.config, config))
  let text: string
  try {
    text = readFile(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`${config.origin} names a file that cannot be read: ${reason}.`, {
      cause,
    })
  }
  return readConfigText(table, path, text)
}
