// Filters of one's own, from the example module to the wire.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseOwnFilters } from '../../shared/routing/filters/own.ts'
import { ask, problemsOf } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { runProxyProgram, startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { startEcho } from '../support/upstream.ts'

const example = new URL('../../deploy/examples/filters.ts', import.meta.url).pathname

t.test('the example filters an Ingress', async (t) => {
  const web = await startEcho('web')
  const rules = (name: string) => [{ host: `${name}.test`, service: 'web' }]
  const asked = 'require-header("X-Team")\nadd-note("checked", 1)'
  const folder = createManifestFolder([
    ingressOf('good', rules('good'), { 'weir.dev/filters': asked }),
    ingressOf('lost', rules('lost'), { 'weir.dev/filters': 'nothing()' }),
    ingressOf('bad', rules('bad'), { 'weir.dev/filters': 'require-header()' }),
    ...serviceOf('web', [web]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--filters', example],
  })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    folder.dispose()
  })
  const get = (name: string, ...fields: string[]) =>
    ask(proxy.port, { host: `${name}.test`, fields })
  const refused = await get('good')
  t.equal(refused.status, 403)
  t.same(fieldsOf(refused, 'x-note'), ['checked 1'], 'failures of Weir have it, too')
  const served = await get('good', 'X-Team: a')
  t.equal(served.status, 200)
  t.same(fieldsOf(served, 'x-note'), ['checked 1'])
  t.equal((await get('lost')).status, 503)
  t.equal((await get('bad')).status, 503)
  t.match(await problemsOf(proxy.adminPort), [
    { name: 'lost', message: /names the filter nothing, which there is not/ },
    { name: 'bad', message: /a fault in require-header: it needs the name of a header/ },
  ])
})

const modules = [
  { text: 'throw new Error("boom")', says: /cannot be loaded: boom/, why: 'it throws' },
  { text: 'export const other = 1', says: /must export `filters`/, why: 'nothing is exported' },
  {
    text: 'export const filters = [{ kind: "access", fault() {}, compile() {} }]',
    says: /There is a kind access already/,
    why: 'a name of Weir’s own',
  },
  {
    text: 'export const filters = [{ kind: "mine" }]',
    says: /The kind mine needs the functions fault and compile/,
    why: 'half a kind',
  },
]

for (const { text, says, why } of modules) {
  t.test(`a module that cannot be used ends the start with a sentence: ${why}`, async (t) => {
    const folder = createManifestFolder([])
    t.teardown(() => folder.dispose())
    const file = join(folder.path, 'mine.ts')
    writeFileSync(file, text)
    const { code, stderr } = await runProxyProgram([
      ...['--manifests', folder.path, '--filters', file],
      ...['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    ])
    t.equal(code, 1)
    t.match(stderr, says)
  })
}

const texts = [
  { text: 'a()', is: [{ kind: 'a', args: [] }], why: 'no arguments' },
  {
    text: ' a("x, y", -1.5, true)\n\n b-2(false) ',
    is: [
      { kind: 'a', args: ['x, y', -1.5, true] },
      { kind: 'b-2', args: [false] },
    ],
    why: 'texts, numbers, booleans; one filter per line',
  },
  { text: '', is: /at least one/, why: 'nothing' },
  { text: 'a', is: /name\(arguments\)/, why: 'no parentheses' },
  { text: 'a(x)', is: /no texts in quotes/, why: 'a bare word' },
  { text: 'a({})', is: /no texts in quotes/, why: 'an object' },
]

for (const { text, is, why } of texts) {
  t.test(`${JSON.stringify(text)}: ${why}`, async (t) => {
    const parsed = parseOwnFilters(text)
    if (is instanceof RegExp) t.match(parsed, is)
    else t.strictSame(parsed, is)
  })
}
