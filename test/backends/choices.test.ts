// Several Services behind one route: weights, and clients that stay with what they were given.
import t from 'tap'
import type { Affinity } from '../../shared/routing/backend.ts'
import { freshSeed, seededRandom } from '../support/random-bytes.ts'
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { choice, countBodies, send, start, startNamed } from './stage.ts'

const refusing = { address: '127.0.0.1', port: 1 }

t.test('each Service gets its weight, and is counted and logged by its name', async (t) => {
  const [stable, canary] = [await startNamed(t, 'stable'), await startNamed(t, 'canary')]
  const proxy = await start(t, {
    random: seededRandom(freshSeed((text) => t.comment(text))),
    routes: [{ backend: { choices: [choice('web', 80), choice('canary', 20)] } }],
    endpoints: { web: [stable], canary: [canary] },
  })
  const { stable: many = 0, canary: few = 0 } = await countBodies(proxy, 400)
  t.equal(many + few, 400)
  // Five standard deviations of a draw.
  t.ok(Math.abs(few - 80) < 40, `${few} of 400 went to the canary`)
  const names = { namespace: 'default', ingress: 'rules', method: 'GET', status: '200' }
  const counted = (service: string) => proxy.counter('weir_requests_total', { ...names, service })
  t.same([counted('web'), counted('canary')], [many, few])
  const logged = proxy.log().filter(({ service }) => service === 'canary')
  t.equal(logged.length, few)
  t.ok(logged.every(({ endpoint }) => endpoint === `127.0.0.1:${canary.port}`))
})

t.test('a weight of 0 gets nothing; without any other it is a 503', async (t) => {
  const web = await startNamed(t, 'web')
  const proxy = await start(t, {
    random: seededRandom(1),
    routes: [
      { backend: { choices: [choice('off', 0), choice('web', 1), choice('off', 0)] } },
      { path: '/off', backend: { choices: [choice('web', 0)] } },
      { path: '/all-off', backend: { choices: [choice('web', 0), choice('off', 0)] } },
      { path: '/none', backend: { choices: [] } },
    ],
    endpoints: { web: [web], off: [refusing] },
  })
  t.same(await countBodies(proxy, 50), { web: 50 })
  for (const path of ['/off', '/all-off', '/none']) {
    t.match(await send(proxy, { path }), { status: 503, body: /no-endpoints/ }, path)
  }
})

t.test('a Service without endpoints keeps its share, as 503', async (t) => {
  const web = await startNamed(t, 'web')
  const draws = [0.1, 0.6, 0.9]
  let at = 0
  const proxy = await start(t, {
    random: () => draws[at++ % draws.length] ?? 0,
    routes: [
      { backend: { choices: [choice('web', 50), choice('gone', 25), choice('empty', 25)] } },
    ],
    endpoints: { web: [web], empty: [] },
  })
  at = 0
  const seen = [await send(proxy), await send(proxy), await send(proxy)]
  t.same(
    seen.map(({ status, body }) => [status, /web|service-missing|no-endpoints/.exec(body)?.[0]]),
    [
      [200, 'web'],
      [503, 'service-missing'],
      [503, 'no-endpoints'],
    ],
  )
})

t.test('a retry stays with the Service', async (t) => {
  const [good, other] = [await startNamed(t, 'good'), await startNamed(t, 'other')]
  const proxy = await start(t, {
    routes: [{ backend: { choices: [choice('web', 50), choice('other', 50)] } }],
    endpoints: { web: [good, refusing], other: [other] },
  })
  t.equal((await send(proxy)).body, 'good')
  t.equal(proxy.counter('weir_retries_total'), 1)
  t.equal(other.requests.length, 0)
})

const affinity: Affinity = {
  cookie: 'sticky',
  path: '/',
  maxAgeSeconds: 0,
  secure: false,
  changeOnFailure: true,
}
const cookieOf = (response: RawResponse) => fieldsOf(response, 'set-cookie')[0]?.split(';')[0]

t.test('a cookie keeps a client with its Service and endpoint', async (t) => {
  const [web, one, two] = [
    await startNamed(t, 'web'),
    await startNamed(t, 'canary-1'),
    await startNamed(t, 'canary-2'),
  ]
  const table = (weights: readonly number[], canaries: (typeof one)[]) => ({
    routes: [
      {
        backend: {
          affinity,
          choices: [choice('web', weights[0] ?? 0), choice('canary', weights[1] ?? 0)],
        },
      },
    ],
    endpoints: { web: [web], canary: canaries },
  })
  let draw = 0.95
  const proxy = await start(t, { random: () => draw, ...table([90, 10], [one, two]) })
  const first = await send(proxy)
  t.match(first.body, /^canary/)
  const fields = [`Cookie: ${cookieOf(first)}`]
  draw = 0.1
  t.same(await countBodies(proxy, 10, () => ({ fields })), { [first.body]: 10 })
  t.equal(cookieOf(await send(proxy, { fields })), undefined, 'the cookie holds')
  t.equal((await send(proxy)).body, 'web', 'who has none is drawn')

  const left = first.body === 'canary-1' ? two : one
  proxy.apply(table([90, 10], [left]))
  const moved = await send(proxy, { fields })
  t.match(moved.body, /^canary/, 'its endpoint is gone: the same Service')
  t.ok(cookieOf(moved), 'and a new cookie')

  proxy.apply(table([100, 0], [left]))
  t.equal((await send(proxy, { fields })).body, 'web', 'a Service of weight 0 is over')
})

t.test('a cookie holds, whatever the upstream sees of it', async (t) => {
  const proxy = await start(t, {
    routes: [
      {
        filters: [{ kind: 'request-headers', set: [], add: [], remove: ['cookie'] }],
        backend: { affinity },
      },
    ],
    endpoints: { web: [await startNamed(t, 'one'), await startNamed(t, 'two')] },
  })
  const first = await send(proxy)
  const fields = [`Cookie: ${cookieOf(first)}`]
  t.same(await countBodies(proxy, 10, () => ({ fields })), { [first.body]: 10 })
})

t.test('a key keeps its Service, and most keep it when weights change', async (t) => {
  const [web, canary] = [await startNamed(t, 'web'), await startNamed(t, 'canary')]
  const balance = { kind: 'hash', key: { from: 'header', name: 'x-user' } } as const
  const table = (stable: number, few: number) => ({
    routes: [{ backend: { balance, choices: [choice('web', stable), choice('canary', few)] } }],
    endpoints: { web: [web], canary: [canary] },
  })
  const proxy = await start(t, { random: seededRandom(3), ...table(80, 20) })
  const serviceOf = async () => {
    const services: string[] = []
    for (let user = 0; user < 100; user += 1) {
      services.push((await send(proxy, { fields: [`X-User: u${user}`] })).body)
    }
    return services
  }
  const before = await serviceOf()
  t.same(await serviceOf(), before)
  const few = before.filter((service) => service === 'canary').length
  t.ok(few > 5 && few < 40, `${few} of 100 users have the canary`)
  proxy.apply(table(50, 50))
  const after = await serviceOf()
  t.notOk(
    after.some((service, user) => service === 'web' && before[user] === 'canary'),
    'more weight for the canary takes nobody from it',
  )
})
