import { once } from 'node:events'
import { request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { Problem } from '../../../shared/problem.ts'
import { withEntries } from '../../../shared/routing/sharded-map.ts'
import { emptyTable } from '../../../shared/routing/table.ts'
import { routeOf } from '../../../shared/routing/testing/route.ts'
import { tableWith } from '../../../shared/routing/testing/table.ts'
import type { AdminRoutes } from './routes-json.ts'
import { type AdminOptions, startAdmin } from './server.ts'

const limits = { maxBodyBytes: 1024 }
const names = { namespace: 'shop', name: 'front' }
const shop = routeOf({ ...names, backend: { limits } })
const shopAt = (host: string) => routeOf({ ...names, host, backend: { limits } })
const problem: Problem = {
  reason: 'conflict',
  kind: 'Ingress',
  namespace: 'shop',
  name: 'late',
  field: 'spec.rules[0]',
  message: 'Another Ingress has this path.',
  remedy: 'Choose another path.',
}
const small: AdminRoutes = {
  table: tableWith(
    [shop, routeOf({ ...names, host: '*.b.test', service: 'gone' }), shopAt('')],
    [
      {
        key: 'shop/web:80',
        endpoints: [
          { address: '10.0.0.1', port: 8080 },
          { address: 'fd00::1', port: 8080 },
        ],
      },
    ],
    routeOf({ host: '', namespace: 'shop', name: '', service: 'default' }),
  ),
  problems: [problem],
}

async function setUp(t: Test, changes: Partial<AdminOptions> = {}) {
  const errors: unknown[] = []
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    metrics: () => pieces('# HELP a x\n# TYPE a gauge\n', 'a 1\n'),
    isLive: () => true,
    whyNotReady: () => undefined,
    routes: () => small,
    status: async () => ({ state: 'draining', inFlight: 3, proxyProtocol: 'required', h2c: false }),
    log: { error: (fields) => errors.push(fields) },
    ...changes,
  })
  t.teardown(() => admin.close())
  const { port } = admin.address
  return {
    admin,
    errors,
    port,
    get: (path: string, method = 'GET') => send(port, path, method),
  }
}

async function send(port: number, path: string, method: string) {
  const outgoing = request({ host: '127.0.0.1', port, path, method, agent: false })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  const body = await readText(response)
  return { status: response.statusCode, headers: response.headers, body }
}

/** Gives `texts` one by one; none at all is a fault. */
async function* pieces(...texts: string[]) {
  if (texts.length === 0) throw new Error('broken')
  yield* texts
}

t.test('/status tells what the control socket tells', async (t) => {
  const { get } = await setUp(t)
  const { status, headers, body } = await get('/status')
  t.equal(status, 200)
  t.match(headers['content-type'], /^application\/json/)
  t.equal(body, '{"state":"draining","inFlight":3,"proxyProtocol":"required","h2c":false}\n')
})

t.test('/routes shows every route with its upstream and what it asks for', async (t) => {
  const { get } = await setUp(t)
  const { status, headers, body } = await get('/routes')
  t.equal(status, 200)
  t.match(headers['content-type'], /^application\/json/)
  const { routes, fallback, problems } = JSON.parse(body)
  t.strictSame(routes[2], {
    host: 'a.test',
    path: '/',
    type: 'Prefix',
    namespace: 'shop',
    ingress: 'front',
    service: 'web',
    upstream: 'shop/web:80',
    endpoints: ['10.0.0.1:8080', '[fd00::1]:8080'],
    backend: { kind: 'forward', limits: { maxBodyBytes: 1024 } },
  })
  t.strictSame(routes[1].endpoints, [], 'an upstream that is not there has no endpoints')
  t.equal(routes.length, 3)
  t.equal(fallback.service, 'default')
  t.strictSame(problems, [problem])
})

const filters = [
  { query: 'host=a.test', hosts: ['a.test'], why: 'one host' },
  { query: 'host=A.Test', hosts: ['a.test'], why: 'in any case' },
  { query: 'host=*.b.test', hosts: ['*.b.test'], why: 'a wildcard by its name' },
  { query: 'host=', hosts: [''], why: 'routes without a host' },
  { query: 'host=c.test', hosts: [], why: 'no such host' },
  { query: 'other=1', hosts: ['', '*.b.test', 'a.test'], why: 'an unknown key filters nothing' },
]

for (const { query, hosts, why } of filters) {
  t.test(`/routes?${query} filters: ${why}`, async (t) => {
    const { get } = await setUp(t)
    const { routes } = JSON.parse((await get(`/routes?${query}`)).body)
    t.strictSame(
      routes.map((route: { host: string }) => route.host),
      hosts,
    )
  })
}

t.test('/routes?problems lists problems only', async (t) => {
  const { get } = await setUp(t)
  t.strictSame(JSON.parse((await get('/routes?problems')).body), { problems: [problem] })
})

t.test('an empty table is valid JSON', async (t) => {
  const { get } = await setUp(t, {
    routes: () => ({ table: emptyTable, problems: [] }),
  })
  t.strictSame(JSON.parse((await get('/routes')).body), { routes: [], problems: [] })
})

t.test('16,000 routes are sent in turns, not in one', async (t) => {
  const routes = Array.from({ length: 16_000 }, (_, i) => shopAt(`h${i}.test`))
  const table = { ...tableWith(routes), upstreams: small.table.upstreams }
  const { get } = await setUp(t, { routes: () => ({ table, problems: [] }) })
  let turns = 0
  let isDone = false
  const count = () => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const { body } = await get('/routes')
  isDone = true
  t.equal(JSON.parse(body).routes.length, 16_000)
  t.ok(turns > 80, `the event loop turned ${turns} times meanwhile`)
})

for (const path of ['/', '/metric', '/metrics/', '/routes/../metrics', '//healthz', '*']) {
  t.test(`${path} is unknown and the answer says what is known`, async (t) => {
    const { get } = await setUp(t)
    const { status, body } = await get(path)
    t.equal(status, 404)
    for (const known of ['/metrics', '/healthz', '/readyz', '/status', '/routes'])
      t.match(body, known)
  })
}

t.test('a fault in the middle of an answer cuts it', async (t) => {
  const routes = Array.from({ length: 1000 }, () => shop)
  Object.defineProperty(routes, 900, {
    get() {
      throw new Error('broken')
    },
  })
  const table = tableWith([])
  const hosts = withEntries(table.hosts, [['a.test', routes]])
  const { get, errors } = await setUp(t, {
    routes: () => ({ table: { ...table, hosts }, problems: [] }),
  })
  await t.rejects(get('/routes'))
  t.equal(errors.length, 1)
})
