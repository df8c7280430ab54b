// Do the rules, their page and the product's own tables agree? promtool and a real Prometheus have their say in test/prometheus/.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { readRules, rulesFile, withFailureCodes } from './rules.ts'

const { alerts, recordings } = readRules()
const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8')
const sections = page.split('\n## ').slice(1)

t.test(
  'docs/alerts.md has a row and a section for each alert, in order, and none else',
  async (t) => {
    const names = alerts.map(({ alert }) => alert)
    t.ok(names.length > 30)
    t.strictSame(
      sections.map((section) => section.split('\n')[0]),
      names,
    )
    const rows = [...page.matchAll(/^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| ([^|]+) \|/gm)]
    t.strictSame(
      rows.map((row) => row.slice(1)),
      alerts.map((rule) => [
        rule.alert,
        rule.alert.toLowerCase(),
        rule.labels.severity,
        rule.for ?? 'at once',
      ]),
    )
  },
)

for (const { alert, labels, annotations } of alerts) {
  t.test(`${alert} says what it is and where to read on`, async (t) => {
    t.match(labels.severity, /^(critical|warning|info)$/)
    t.match(annotations, { summary: /\w/, description: /\.$/ })
    t.equal(annotations.runbook_url, `docs/alerts.md#${alert.toLowerCase()}`)
    const section = sections.find((text) => text.startsWith(`${alert}\n`)) ?? ''
    t.match(section, /```promql\n.+\n```\n\n.+/, 'a query to look at, and what to do')
  })
}

t.test(
  'failures that count against Weir are those of the table with a 5xx that no client causes',
  async (t) => {
    const rules = readFileSync(rulesFile, 'utf8')
    t.equal(withFailureCodes(rules), rules, 'npm run docs writes them')
    const { expr = '' } = recordings.find(({ record }) => record.includes('failures_5xx')) ?? {}
    const codes = /code=~"([^"]+)"/.exec(expr)?.[1]?.split('|') ?? []
    t.ok(codes.includes('connect-failed'))
    t.notOk(codes.includes('access-denied'), 'no 5xx')
    t.equal(withFailureCodes(rules.replaceAll('connect-failed|', '')), rules)
  },
)
