// What promtool says of the rules, and whether each alert is shown to fire and to stay quiet.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRules, rulesFile } from '../../deploy/prometheus/rules.ts'
import { parseYamlDocuments } from '../../shared/yaml.ts'
import { runTool } from '../chart/tools.ts'
import type { Check } from './checks.ts'

const folder = new URL('../../deploy/prometheus/tests/', import.meta.url).pathname
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))

interface AlertTest {
  readonly alertname: string
  readonly exp_alerts?: readonly unknown[]
}

/** The checks that need promtool only. */
export const staticChecks: readonly Check[] = [
  {
    name: 'promtool accepts the rules',
    run: async () => promtool('check', 'rules', rulesFile),
  },
  ...files.map((file) => ({
    name: `the unit tests in ${file} hold`,
    run: async () => promtool('test', 'rules', join(folder, file)),
  })),
  {
    name: 'every alert has a test in which it fires and one in which it is quiet',
    run: async () => {
      const tests = files.flatMap(readTests)
      for (const { alert } of readRules().alerts) {
        const own = tests.filter(({ alertname }) => alertname === alert)
        const fires = own.some(({ exp_alerts = [] }) => exp_alerts.length > 0)
        const isQuiet = own.some(({ exp_alerts = [] }) => exp_alerts.length === 0)
        if (!fires || !isQuiet) throw new Error(`${alert} is not tested both ways`)
      }
    },
  },
]

function promtool(...args: readonly string[]): void {
  const { code, output } = runTool('promtool', args)
  if (code !== 0) throw new Error(output)
}

function readTests(file: string): AlertTest[] {
  // promtool itself refuses a file of another form.
  const [document] = parseYamlDocuments(readFileSync(join(folder, file), 'utf8')).documents as [
    { readonly tests: readonly { readonly alert_rule_test: readonly AlertTest[] }[] },
  ]
  return document.tests.flatMap((test) => test.alert_rule_test)
}
