// What is in rules.yaml, for those that check it and write about it.
import { readFileSync } from 'node:fs'
import { failures } from '../../shared/routing/failure.ts'
import { parseYamlDocuments } from '../../shared/yaml.ts'

/** A rule that alerts. */
export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** A rule that records. */
export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

/** Where the rules are. */
export const rulesFile = new URL('./rules.yaml', import.meta.url).pathname

/** Reads rules.yaml; promtool has the last word on its form. */
export function readRules(): {
  readonly alerts: readonly AlertRule[]
  readonly recordings: readonly RecordingRule[]
} {
  const { documents, errors } = parseYamlDocuments(readFileSync(rulesFile, 'utf8'))
  if (errors[0] !== undefined) throw new Error(`rules.yaml: ${errors[0].message}`)
  // The project's own file, in Prometheus's form.
  const [file] = documents as readonly {
    readonly groups: readonly { readonly rules: readonly (AlertRule | RecordingRule)[] }[]
  }[]
  const rules = (file?.groups ?? []).flatMap((group) => group.rules)
  return {
    alerts: rules.filter((rule) => 'alert' in rule),
    recordings: rules.filter((rule) => 'record' in rule),
  }
}

/** Gives the rules with the codes that count against Weir as the table of failures has them (`npm run docs`). */
export function withFailureCodes(rules: string): string {
  const codes = Object.entries(failures)
    .filter(([, { status, side }]) => status >= 500 && side !== 'client')
    .map(([code]) => code)
  return rules.replace(
    /(record: ingress:weir_failures_5xx:rate5m\n.*\n.*\n.*code=~")[^"]*/,
    `$1${codes.toSorted().join('|')}`,
  )
}
