// What does ingress-nginx's ConfigMap say about all Ingresses, and what about it is wrong? ConfigMap in, typed defaults out.
//
// Invariant: reading never throws and never stops at a bad key; each one is a problem of the ConfigMap, and keeps its default.
// Invariant: a key that may protect and cannot be read closes the routes: what is meant to be kept out is never let in.
import type { ConfigMap } from '../../../kube/objects.ts'
import type { Like } from '../../../like.ts'
import { nearNames, oneOfNames } from '../../../near-names.ts'
import type { ObjectPath } from '../../../options-kinds.ts'
import type { Problem } from '../../../problem.ts'
import { isAbsent, mappingOf, type Report, reportTo } from '../../shapes.ts'
import { quote } from '../annotations/quote.ts'
import { type IngressDefaults, ownDefaults } from '../defaults.ts'
import type { ConfigMapRow, SupportedKey, UnsupportedKey } from './row.ts'
import { configMapRows } from './table.ts'

/** The defaults of all Ingresses, and what is wrong with the object that says them. */
export interface ConfigMapReading {
  readonly defaults: IngressDefaults
  readonly problems: readonly Problem[]
}

/** The defaults of options alone: of `--like`, with what each row has initially, on top of `base`. */
export function defaultsLike(like: Like | undefined, base = ownDefaults): IngressDefaults {
  if (like !== 'ingress-nginx') return like === undefined ? base : { ...base, like }
  let defaults: IngressDefaults = { ...base, like }
  for (const row of configMapRows) {
    if (!setsInitial(row)) continue
    const change = row.read(row.initial, defaults)
    // A table whose own values do not parse is a mistake of its author; its test reads all of them.
    if (typeof change !== 'string') defaults = { ...defaults, ...change }
  }
  return defaults
}

/** Says of a row that `--like` reads its initial value: what an option holds is not said twice, as the option may be given. */
export function setsInitial(row: ConfigMapRow): row is SupportedKey {
  return 'read' in row && row.initial !== '' && row.option === undefined
}

/** Reads a ConfigMap, of whatever shape, on top of the defaults of options. */
export function readConfigMap(
  object: ConfigMap,
  like: Like | undefined,
  base?: IngressDefaults,
): ConfigMapReading {
  const { namespace = '', name = '' } = object.metadata ?? {}
  const problems: Problem[] = []
  const report = reportTo(problems, { kind: 'ConfigMap', namespace, name })
  const given = new Map(
    Object.entries(mappingOf(object.data)).filter(([, value]) => !isAbsent(value)),
  )
  let defaults = defaultsLike(like, base)
  for (const row of configMapRows) {
    if (!given.has(row.key)) continue
    defaults = { ...defaults, ...readRow(row, given.get(row.key), defaults, report) }
  }
  const known = new Set(configMapRows.map(({ key }) => key))
  for (const key of given.keys()) if (!known.has(key)) reportUnknown(key, known, report)
  return { defaults, problems }
}

/** What is said of a ConfigMap that `--config-map` names and that is not there. */
export function missingConfigMap({ namespace, name }: ObjectPath, isKept: boolean): Problem {
  const meanwhile = isKept ? 'what it last said counts' : 'all of its keys have their defaults'
  return {
    reason: 'asset-missing',
    kind: 'ConfigMap',
    namespace,
    name,
    field: '',
    message: `The ConfigMap of --config-map is not there: ${meanwhile}.`,
    remedy: 'Create it, or name another one.',
  }
}

function readRow(
  row: ConfigMapRow,
  value: unknown,
  defaults: IngressDefaults,
  report: Report,
): Partial<IngressDefaults> {
  const field = `data[${JSON.stringify(row.key)}]`
  const text = typeof value === 'string' ? value.trim() : undefined
  if ('inert' in row) {
    if (text !== undefined && isInert(row, text)) return {}
    const message =
      row.verdict === 'ignored'
        ? 'Weir knows this key, and it has no effect.'
        : 'Weir knows this key and does not support it.'
    report('unknown-config-key', field, message + consequence(row), row.meaning)
    const closing = closedBy(row, message, defaults)
    return row.ofFirewall === true && closing.closed !== undefined
      ? { firewall: closing.closed }
      : closing
  }
  const change = text === undefined ? 'is not text' : row.read(text, defaults)
  if (typeof change !== 'string') {
    const remark = text === undefined ? undefined : row.remark?.(text)
    if (remark !== undefined) {
      const message = `The value ${quote(text ?? '')} ${remark}.`
      report('invalid-config-key', field, message, 'docs/config-map.md says what can be written.')
    }
    return change
  }
  const message = `The value ${quote(String(value))} ${change}.`
  report('invalid-config-key', field, message + consequence(row), `Write it as: ${row.value}.`)
  return closedBy(row, message, defaults)
}

function isInert({ initial, inert }: UnsupportedKey, text: string): boolean {
  return [initial, ...inert].some((known) => known.toLowerCase() === text.toLowerCase())
}

function consequence({ failsClosed, verdict }: ConfigMapRow): string {
  if (failsClosed) return ' All routes answer 503, since it may protect them.'
  return verdict === 'ignored' ? '' : ' Its default counts.'
}

function closedBy(
  { failsClosed, key }: ConfigMapRow,
  message: string,
  defaults: IngressDefaults,
): Partial<IngressDefaults> {
  if (!failsClosed || defaults.closed !== undefined) return {}
  return { closed: `ConfigMap key ${key}: ${message}` }
}

function reportUnknown(key: string, known: Iterable<string>, report: Report): void {
  const meant = oneOfNames(nearNames(key, known))
  const remedy = meant === undefined ? 'Remove it.' : `Did you mean ${meant}?`
  const message = 'Weir does not know this key, and ingress-nginx does not either: no effect.'
  report('unknown-config-key', `data[${JSON.stringify(key)}]`, message, remedy)
}
