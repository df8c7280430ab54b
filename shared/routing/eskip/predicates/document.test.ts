// Is docs/skipper-predicates.md what the table says now?
import { readFileSync } from 'node:fs'
import t from 'tap'
import { renderPredicates } from './document.ts'

t.test('docs/skipper-predicates.md is written from the table (npm run docs)', async (t) => {
  const page = new URL('../../../../docs/skipper-predicates.md', import.meta.url)
  t.equal(readFileSync(page, 'utf8'), renderPredicates())
})
