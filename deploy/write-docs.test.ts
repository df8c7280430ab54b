import { readFileSync } from 'node:fs'
import t from 'tap'
import { renderDifferences } from './write-differences.ts'
import { writeTables } from './write-docs.ts'

t.test(
  'what differs from ingress-nginx is as known.json says (npm run docs writes it)',
  async (t) => {
    const page = readFileSync(new URL('../docs/ingress-nginx.md', import.meta.url), 'utf8')
    t.equal(renderDifferences(), page)
  },
)

t.test('the README lists the options as they are (npm run docs writes them)', async (t) => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  t.equal(writeTables(readme), readme)
})

t.test('what stands between the markers is replaced, nothing else', async (t) => {
  const page = (proxy: string, controller: string) =>
    `# A\n<!-- options:proxy -->${proxy}<!-- /options:proxy -->\nb\n` +
    `<!-- options:controller -->${controller}<!-- /options:controller -->\nc\n`
  const written = writeTables(page('old', 'old'))
  t.equal(writeTables(written), written)
  t.match(written, /^# A\n<!-- options:proxy -->\n\n\*\*/)
  t.match(written, '`--listen HOST:PORT`')
  t.match(written, /\n<!-- \/options:controller -->\nc\n$/)
  t.notMatch(written, 'old<')
})

t.test('a README without markers is an error', async (t) => {
  t.throws(() => writeTables('# A'), { message: /options:proxy/ })
})
