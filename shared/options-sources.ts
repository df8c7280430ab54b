// What did the user give? Reads the command line, the environment and the `--config` file into texts by option name.
//
// Invariant: a name that no option has is a ConfigError, never skipped. Values are not looked at here.
import { nearNames, oneOfNames } from './near-names.ts'
import { ConfigError, type OptionTable, optionEnv, optionKey } from './options-table.ts'
import { parseYamlDocuments } from './yaml.ts'

/** What one source says about one option; `origin` names it in messages. */
export interface Given {
  readonly origin: string
  readonly texts: string[]
}

/** What one source says, by the name of the option in its table. */
export type GivenByName = Map<string, Given>

/** Reads `--key value`, `--key=value`, and `--key`, `--no-key`, `--key=false` for booleans. */
export function readFlags(table: OptionTable, argv: readonly string[]): GivenByName {
  const names = namesBy(optionKey, table)
  const found: GivenByName = new Map()
  const rest = argv.values()
  for (const argument of rest) {
    const flag = splitFlag(argument)
    const { key, isNegated } = chooseKey(flag.key, names, table)
    const name = names.get(key)
    const option = table[name ?? '']
    if (name === undefined || option === undefined) throw unknownOption(`--${key}`, names)
    const isBoolean = option.placeholder === ''
    let text = flag.value
    if (isNegated && text !== undefined) {
      throw new ConfigError(`--no-${key} takes no value, but it is ${JSON.stringify(text)}.`)
    }
    text ??= isBoolean ? String(!isNegated) : followingText(rest)
    if (text === undefined) throw new ConfigError(`--${key} needs a value: ${option.allowed}.`)
    collect(found, name, `--${key}`, [text])
  }
  return found
}

/** Takes the next argument as a value, unless it is a flag: `--listen --admin :1` forgot one. */
function followingText(rest: Iterator<string, undefined>): string | undefined {
  const { value } = rest.next()
  return value?.startsWith('--') ? undefined : value
}

function splitFlag(argument: string): { key: string; value: string | undefined } {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument)
  if (match === null) {
    throw new ConfigError(
      `${JSON.stringify(argument)} is not an option: options begin with "--" (--help lists them).`,
    )
  }
  return { key: match[1] ?? '', value: match[2] }
}

/** Reads `--no-key` as the negation of a boolean, unless an option has that very name. */
function chooseKey(key: string, names: ReadonlyMap<string, string>, table: OptionTable) {
  if (key.startsWith('no-') && !names.has(key)) {
    const positive = key.slice('no-'.length)
    const option = table[names.get(positive) ?? '']
    if (option?.placeholder === '') return { key: positive, isNegated: true }
  }
  return { key, isNegated: false }
}

// Kubernetes puts these into every pod of a namespace that has a Service named weir or weir-…; they are not meant for us.
const serviceLink =
  /^WEIR(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** Reads the variables that begin with `WEIR_`; empty ones count as not set. */
export function readEnvironment(
  table: OptionTable,
  env: Readonly<Record<string, string | undefined>>,
): GivenByName {
  const names = namesBy(optionEnv, table)
  const found: GivenByName = new Map()
  for (const [variable, text] of Object.entries(env)) {
    // Charts write `value: ""` for what their user left out.
    if (!variable.startsWith('WEIR_') || !text) continue
    const name = names.get(variable)
    if (name !== undefined) collect(found, name, variable, [text])
    else if (!serviceLink.test(variable)) throw unknownOption(variable, names)
  }
  return found
}

/** Reads the text of a configuration file: one YAML or JSON mapping of keys to values or lists of values. */
export function readConfigText(table: OptionTable, path: string, text: string): GivenByName {
  const names = namesBy(optionKey, table)
  const found: GivenByName = new Map()
  for (const [key, value] of Object.entries(parseMapping(path, text))) {
    const origin = `${path}: ${key}`
    const name = names.get(key)
    if (name === undefined) throw unknownOption(origin, names)
    const items: unknown[] = Array.isArray(value) ? value : [value]
    const texts = items.map((item) => {
      if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') {
        return String(item)
      }
      const given = JSON.stringify(item)
      throw new ConfigError(`${origin} must be ${table[name]?.allowed}, but it is ${given}.`)
    })
    collect(found, name, origin, texts)
  }
  return found
}

function parseMapping(path: string, text: string): object {
  const { documents, errors } = parseYamlDocuments(text)
  const [error] = errors
  if (error !== undefined) throw new ConfigError(`${path}:${error.line}: ${error.message}.`)
  const [mapping = {}, ...more] = documents
  if (
    more.length > 0 ||
    typeof mapping !== 'object' ||
    mapping === null ||
    Array.isArray(mapping)
  ) {
    throw new ConfigError(`${path} must hold one YAML mapping of option names to values.`)
  }
  return mapping
}

function namesBy(spell: (name: string) => string, table: OptionTable): Map<string, string> {
  return new Map(Object.keys(table).map((name) => [spell(name), name]))
}

function collect(found: GivenByName, name: string, origin: string, texts: string[]): void {
  const given = found.get(name)
  if (given === undefined) found.set(name, { origin, texts })
  else given.texts.push(...texts)
}

/** Says that a name is unknown, and which one was probably meant. */
function unknownOption(given: string, names: ReadonlyMap<string, string>): ConfigError {
  const bare = given.replace(/^.*: |^--/, '')
  const dashes = given.startsWith('--') ? '--' : ''
  const meant = oneOfNames(nearNames(bare, names.keys()).map((name) => dashes + name))
  if (meant === undefined) return new ConfigError(`${given} is not an option: --help lists them.`)
  return new ConfigError(`${given} is not an option: did you mean ${meant}?`)
}
