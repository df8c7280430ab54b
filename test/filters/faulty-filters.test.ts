// What does a filter of one's own cost that throws, never settles, or holds the thread? Its own routes, and it is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ask, metric, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { startEcho } from '../support/upstream.ts'

const kinds = `
const noFault = () => undefined
const boom = () => { throw new Error('boom') }
const hold = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ) {} }
const failing = { write: boom, end: boom, abort() {} }
const async = (start, timeoutMs = 60_000) =>
  ({ request: { kind: 'async', timeoutMs, onTimeout: 'access-denied', start } })
const sync = (decide) => ({ request: { kind: 'sync', decide } })
const stages = {
  'throws': () => sync(boom),
  'throws-at-start': () => async(boom),
  'rejects': () => async(async (request, settle) => { await request; boom(); settle(undefined) }),
  'throws-in-a-timer': () => async((_, settle) => { setTimeout(boom, 5); return () => {} }),
  'throws-by-the-way': () => sync(() => { void Promise.resolve().then(boom) }),
  'no-verdict': () => sync(async () => undefined),
  'throws-in-compile': boom,
  'throws-at-its-response': () => ({ response: { kind: 'sync', includesOwn: false, decide: boom } }),
  'throws-in-a-body': () => ({ requestBody: () => failing }),
  'throws-for-a-body': () => ({ requestBody: boom }),
  'throws-in-an-answer': () => ({ responseBody: () => failing }),
  'throws-when-finished': () => sync((request) => request.whenFinished(boom)),
  'throws-in-a-callback': (context) => async((_, settle) => context.clock.after(5, boom)),
  'never': () => async(() => () => {}, 50),
  'blocks': () => sync(() => hold(300)),
  'endless': () => sync(() => { for (;;) {} }),
  'endless-later': () => async((_, settle) => { setTimeout(() => { for (;;) {} }, 5); return () => {} }),
  'endless-compile': () => { for (;;) {} },
}
export const filters = [
  ...Object.entries(stages).map(([kind, compile]) =>
    ({ kind, fault: noFault, compile: (_, context) => compile(context) })),
  { kind: 'throws-in-fault', fault: boom, compile: () => ({}) },
]
`

// Each of those that are never given back costs seconds, on a machine that has much to do.
t.setTimeout(280_000)

/** A proxy with those filters: `well.test` has none, each other host the one of its name. */
async function startProxy(t: Test, names: readonly string[], flags: readonly string[] = []) {
  const modules = mkdtempSync(join(tmpdir(), 'weir-filters-'))
  const file = join(modules, 'faulty.mjs')
  writeFileSync(file, kinds)
  const web = await startEcho('web')
  const folder = createManifestFolder([...serviceOf('web', [web]), ingressFor('well')])
  folder.write('filtered.json', names.map(ingressFor))
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--filters', file, ...flags],
  })
  t.teardown(async () => {
    await proxy.stop()
    await web.close()
    folder.dispose()
    rmSync(modules, { recursive: true })
  })
  return { proxy, folder }
}

function ingressFor(name: string): KubeObject {
  const rules = [{ host: `${name}.test`, service: 'web' }]
  return ingressOf(name, rules, name === 'well' ? {} : { 'weir.dev/filters': `${name}()` })
}

/** The status for one request; 0 when the connection is lost. */
async function statusOf({ port }: ProxyProcess, name: string, body?: string): Promise<number> {
  const asked = { host: `${name}.test`, ...(body && { method: 'POST', body }) }
  return ask(port, asked).then(
    ({ status }) => status,
    () => 0,
  )
}

function linesOf({ logs }: ProxyProcess, filter: string) {
  return logs.filter((line) => line.filter === filter)
}

const faults = [
  { name: 'throws', is: 500, phase: 'request', why: 'a step' },
  { name: 'throws-at-start', is: 403, phase: 'request', why: 'a step that would wait' },
  { name: 'rejects', is: 403, phase: 'on-its-own', why: 'an async function' },
  { name: 'throws-in-a-timer', is: 403, phase: 'on-its-own', why: 'a timer of its own' },
  { name: 'throws-by-the-way', is: 200, phase: 'on-its-own', why: 'what nobody waits for' },
  { name: 'no-verdict', is: 500, phase: 'request', why: 'a promise is no verdict' },
  { name: 'throws-in-compile', is: 503, phase: 'compile', why: 'its route cannot be built' },
  { name: 'throws-at-its-response', is: 500, phase: 'response', why: 'a response step' },
  { name: 'throws-in-a-body', is: 500, phase: 'request-body', why: 'a stage of bodies' },
  { name: 'throws-for-a-body', is: 500, phase: 'request-body', why: 'making that stage' },
  { name: 'throws-in-an-answer', is: 0, phase: 'response-body', why: 'the response is cut' },
  { name: 'throws-when-finished', is: 200, phase: 'finished', why: 'its last word' },
  { name: 'throws-in-a-callback', is: 403, phase: 'callback', why: 'a timer of the context' },
  { name: 'never', is: 403, phase: 'request', reason: 'timed-out', why: 'it never settles' },
]

t.test('a filter that fails is named, counted, and costs its own request', async (t) => {
  const { proxy } = await startProxy(
    t,
    faults.map(({ name }) => name),
  )
  for (const { name, is, phase, reason = 'threw', why } of faults) {
    t.test(`${name}: ${why}`, async (t) => {
      const started = performance.now()
      const body = name.includes('body') ? 'hello' : undefined
      t.equal(await statusOf(proxy, name, body), is)
      t.equal(await statusOf(proxy, 'well'), 200, 'others are served')
      const found = async () => linesOf(proxy, name)
      const [line] = await until('it is named', found, (lines) => lines.length > 0)
      t.match(line, { phase, name, namespace: 'default', host: `${name}.test`, path: '/' })
      if (reason === 'threw') t.match(line?.error, /boom|a verdict is/)
      await statusOf(proxy, name, body)
      const lines = 1 + Math.floor((performance.now() - started) / 10_000)
      t.ok(linesOf(proxy, name).length <= lines, 'not a line per request, but every 10 s')
      const labels = { filter: name, reason }
      const count = name === 'throws-in-compile' ? 1 : 2
      await until(
        'each is counted',
        () => metric(proxy.adminPort, 'weir_filter_faults_total', labels),
        (value) => value === count,
      )
    })
  }
  t.test('no worker was lost', async (t) => {
    t.equal(await metric(proxy.adminPort, 'weir_worker_restarts_total'), 0)
  })
})

t.test('what a kind throws when it is asked about a filter closes that route', async (t) => {
  const { proxy } = await startProxy(t, ['throws-in-fault'])
  t.equal(await statusOf(proxy, 'well'), 200)
  t.equal(await statusOf(proxy, 'throws-in-fault'), 503)
  t.match(await problemsOf(proxy.adminPort), [
    { name: 'throws-in-fault', message: /a fault in throws-in-fault: its code threw: boom/ },
  ])
})

t.test('a filter that blocks the loop is named, and closed when it does so often', async (t) => {
  const { proxy } = await startProxy(t, ['blocks'])
  t.equal(await statusOf(proxy, 'blocks'), 200, 'once is no reason')
  await until(
    'it is named',
    async () => linesOf(proxy, 'blocks'),
    ([line]) => line?.phase === 'request' && Number(line.ms) >= 300 && line.name === 'blocks',
  )
  await until(
    'it is closed',
    () => statusOf(proxy, 'blocks'),
    (status) => status === 503,
  )
  const refused = await ask(proxy.port, { host: 'blocks.test' })
  t.match(refused.body, /^503 filter-closed/)
  t.equal(await statusOf(proxy, 'well'), 200)
  t.match(await problemsOf(proxy.adminPort), [
    { reason: 'filter-closed', name: 'blocks', message: /The filter blocks held up/ },
  ])
  t.match(linesOf(proxy, 'blocks').at(-1), { msg: /is closed/, seconds: 60 })
  const labels = { filter: 'blocks', reason: 'blocked' }
  const count = await metric(proxy.adminPort, 'weir_filter_faults_total', labels)
  t.ok((count ?? 0) >= 2 && (count ?? 0) <= 11, `${count} calls`)
})

const endless = [
  { name: 'endless', says: 'in code of this filter', why: 'a step that never returns' },
  {
    name: 'endless-later',
    says: 'while these filters waited',
    why: 'a timer of a step that waits',
  },
]

for (const { name, says, why } of endless) {
  t.test(`a worker that a filter never gives back is replaced: ${why}`, async (t) => {
    const { proxy } = await startProxy(t, [name], ['--worker-stuck-seconds', '2'])
    t.equal(await statusOf(proxy, 'well'), 200)
    t.equal(await statusOf(proxy, name), 0, 'its connections are lost')
    t.match(linesOf(proxy, name)[0], { msg: /does not answer/, why: new RegExp(says) })
    await until(
      'another one serves',
      () => statusOf(proxy, 'well'),
      (status) => status === 200,
    )
    t.equal(await statusOf(proxy, name), 503, 'it is closed')
    t.match(await problemsOf(proxy.adminPort), [{ reason: 'filter-closed', name }])
    const { adminPort } = proxy
    t.equal(await metric(adminPort, 'weir_worker_restarts_total'), 1)
    const labels = { filter: name, reason: 'stuck' }
    t.equal(await metric(adminPort, 'weir_filter_faults_total', labels), 1)
  })
}

t.test('a filter that never returns from its compilation is not compiled again', async (t) => {
  const { proxy, folder } = await startProxy(t, [], ['--worker-stuck-seconds', '2'])
  folder.write('filtered.json', [ingressFor('endless-compile')])
  await until(
    'it is closed',
    async () => linesOf(proxy, 'endless-compile').length,
    (lines) => lines >= 2,
  )
  await until(
    'another worker serves',
    () => statusOf(proxy, 'well'),
    (status) => status === 200,
  )
  t.equal(await statusOf(proxy, 'endless-compile'), 503)
  t.equal(await metric(proxy.adminPort, 'weir_worker_restarts_total'), 1)
})
