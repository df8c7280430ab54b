import { readFileSync } from 'node:fs'
import t from 'tap'
import { renderAnnotations } from './document.ts'
import { families } from './families.ts'

const page = new URL('../../../../docs/annotations.md', import.meta.url)

t.test('docs/annotations.md is current', async (t) => {
  t.equal(readFileSync(page, 'utf8'), renderAnnotations(), 'run `npm run docs`')
})

for (const { prefix, rows } of families) {
  t.test(`the table of ${prefix} has each key once, with its text`, async (t) => {
    const keys = rows.map((row) => row.key)
    t.same([...new Set(keys)], keys)
    for (const row of rows) {
      t.match(row.key, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      t.ok(row.value.length > 0 && row.meaning.endsWith('.'), `${row.key} says what it means`)
      t.notMatch(row.value + row.meaning, /\n/, `${row.key} fits a table`)
    }
  })
}

t.test('a text that names a key of Weir names one that exists', async (t) => {
  const own = families.find(({ prefix }) => prefix === 'weir.dev/')?.rows ?? []
  const known = new Set(own.map(({ key }) => key))
  let count = 0
  for (const { prefix, rows } of families) {
    for (const { key, meaning } of rows) {
      for (const [, named = ''] of meaning.matchAll(/weir\.dev\/([a-z0-9-]+)/g)) {
        t.ok(known.has(named), `${prefix}${key}: weir.dev/${named}`)
        count += 1
      }
    }
  }
  t.not(count, 0)
})

t.test('every key that guards somebody fails closed', async (t) => {
  const guards =
    /^(auth(?!-signin|-cache-key|-realm)|limit-(?!rate)|satisfy|.*source-range|.*snippet|.*modsecurity|.*owasp|proxy-ssl-secret|backend-(?:ca|server-name|client-cert|verify)$|ssl-passthrough|tls-passthrough|client-(ca|verify|depth|subject|cert)|ssl-redirect|force-ssl|skipper-(filter|predicate|routes)$|ratelimit|aws-waf)/
  for (const { prefix, rows } of families) {
    for (const row of rows)
      if (guards.test(row.key)) t.equal(row.failsClosed, true, prefix + row.key)
  }
})
