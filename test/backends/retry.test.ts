// When is a request made again, by the rules of its route? Over real sockets; the table is proxy/upstream/retry.ts.
import t, { type Test } from 'tap'
import type { RetryRules } from '../../shared/routing/backend.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import type { Ask } from '../support/ask.ts'
import { fieldsOf } from '../support/raw-client.ts'
import type { Script } from '../support/upstream.ts'
import { answer, send, start, startNamed } from './stage.ts'

const none: RetryRules = { on: [], statuses: [], allMethods: false }
const on5xx: RetryRules = { ...none, statuses: [{ from: 500, to: 599 }] }
const post = { method: 'POST', body: 'hello' }

const failing: Readonly<Record<string, Script>> = {
  '500': { onRequest: () => answer('bad', 500) },
  '503': { onRequest: () => answer('bad', 503) },
  '429': { onRequest: () => answer('bad', 429) },
  reset: {
    onRequest: (_, side) => {
      side.socket.resetAndDestroy()
      return undefined
    },
  },
  nonsense: { onRequest: () => 'nonsense\r\n\r\n' },
  'half a head': {
    onRequest: (_, side) => {
      side.send('HTTP/1.1 200 OK\r\nContent-Le')
      side.socket.end()
      return undefined
    },
  },
}

const cases: {
  fault: string
  rules?: RetryRules
  asked?: Partial<Ask>
  status: number
  why: string
}[] = [
  { fault: '500', status: 500, why: 'nobody asked for it' },
  { fault: '500', rules: on5xx, status: 200, why: 'a 5xx is thrown away' },
  { fault: '503', rules: on5xx, status: 200, why: 'each of them' },
  { fault: '429', rules: on5xx, status: 429, why: 'not listed' },
  {
    fault: '429',
    rules: { ...none, statuses: [{ from: 429, to: 429 }] },
    status: 200,
    why: 'any status may be listed',
  },
  { fault: '500', rules: on5xx, asked: post, status: 500, why: 'a POST may have had its effect' },
  {
    fault: '500',
    rules: { ...on5xx, allMethods: true },
    asked: { method: 'POST' },
    status: 200,
    why: 'the owner allows it',
  },
  {
    fault: '500',
    rules: { ...on5xx, allMethods: true },
    asked: post,
    status: 500,
    why: 'its body is gone',
  },
  { fault: '500', rules: { ...on5xx, maxRetries: 0 }, status: 500, why: 'no retries here' },
  { fault: 'nonsense', status: 502, why: 'nobody asked for it' },
  {
    fault: 'nonsense',
    rules: { ...none, on: ['reset', 'timeout'] },
    status: 502,
    why: 'it is neither of these',
  },
  { fault: 'nonsense', rules: { ...none, on: ['malformed'] }, status: 200, why: 'asked for' },
  {
    fault: 'nonsense',
    rules: { ...none, on: ['malformed'] },
    asked: post,
    status: 502,
    why: 'a POST may have had its effect',
  },
  { fault: 'reset', status: 502, why: 'nobody asked for it' },
  { fault: 'reset', rules: { ...none, on: ['reset'] }, status: 200, why: 'asked for' },
  {
    fault: 'reset',
    rules: { ...none, on: ['reset'] },
    asked: post,
    status: 502,
    why: 'a POST may have had its effect',
  },
  {
    fault: 'half a head',
    rules: { ...none, on: ['reset'] },
    status: 502,
    why: 'a part of the response came',
  },
]

/** The first try goes to the endpoint that fails, the next one to the other. */
async function startPair(t: Test, script: Script, rules: RetryRules | undefined) {
  const bad = await startNamed(t, 'bad', script)
  const good = await startNamed(t, 'good')
  const proxy = await start(t, {
    routes: [{ backend: rules === undefined ? {} : { retry: rules } }],
    endpoints: { web: [good, bad] },
  })
  return { proxy, good, bad }
}

for (const { fault, rules, asked = {}, status, why } of cases) {
  const name = `${asked.method ?? 'GET'} after ${fault} is ${status}: ${why}`
  t.test(name, async (t) => {
    const { proxy, good } = await startPair(t, failing[fault] ?? {}, rules)
    const response = await send(proxy, asked)
    t.equal(response.status, status)
    t.equal(good.requests.length, status === 200 ? 1 : 0)
    t.equal(proxy.counter('weir_retries_total'), status === 200 ? 1 : 0)
    t.match(proxy.log(), [{ status, retries: status === 200 ? 1 : 0 }])
  })
}

t.test('no response in time is made again where a route asks for it', async (t) => {
  const clock = new ManualClock()
  const mute = await startNamed(t, 'mute', { onRequest: () => undefined })
  const good = await startNamed(t, 'good')
  const proxy = await start(t, {
    clock,
    routes: [{ backend: { retry: { ...none, on: ['timeout'] }, limits: { readMs: 1000 } } }],
    endpoints: { web: [good, mute] },
  })
  const pending = send(proxy)
  while (mute.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  clock.advance(1500)
  t.equal((await pending).body, 'good')
})

t.test('a route that lists nothing does not even retry a refused connection', async (t) => {
  const good = await startNamed(t, 'good')
  const endpoints = { web: [good, { address: '127.0.0.1', port: 1 }] }
  const proxy = await start(t, { routes: [{ backend: { retry: none } }], endpoints })
  t.equal((await send(proxy)).status, 502)
  proxy.apply({ routes: [{ backend: { retry: { ...none, on: ['connect-failure'] } } }], endpoints })
  t.equal((await send(proxy, post)).status, 200)
})

t.test('when no other endpoint is left the client gets what came', async (t) => {
  const bad = await startNamed(t, 'bad', { onRequest: () => answer('bad', 503) })
  const proxy = await start(t, {
    routes: [{ backend: { retry: on5xx } }],
    endpoints: { web: [bad] },
  })
  t.match(await send(proxy), { status: 503, body: 'bad' })
  const other = await startNamed(t, 'other', { onRequest: () => answer('other', 500) })
  proxy.apply({ routes: [{ backend: { retry: on5xx } }], endpoints: { web: [other, bad] } })
  t.match(await send(proxy), { status: 500, body: 'other' }, 'the last response, whole')
})

t.test('retries by status spend the budget', async (t) => {
  const bad = await startNamed(t, 'bad', { onRequest: () => answer('bad', 500) })
  const good = await startNamed(t, 'good')
  const proxy = await start(t, {
    flags: ['--retry-budget-percent', '0'],
    routes: [{ backend: { retry: on5xx } }],
    endpoints: { web: [good, bad] },
  })
  for (let count = 0; count < 260; count += 1) await send(proxy)
  t.equal(proxy.counter('weir_retries_total'), 100)
  t.ok(proxy.counter('weir_retries_refused_total') > 0)
})

t.test('a response that is kept brings its own cookie of affinity', async (t) => {
  const affinity = {
    cookie: 'weir',
    path: '/',
    maxAgeSeconds: 0,
    secure: false,
    changeOnFailure: true,
  }
  const bad = await startNamed(t, 'bad', { onRequest: () => answer('bad', 503) })
  const proxy = await start(t, {
    flags: ['--retry-budget-percent', '0'],
    routes: [{ backend: { affinity } }],
    endpoints: { web: [bad] },
  })
  const ofBad = fieldsOf(await send(proxy), 'set-cookie')
  t.equal(ofBad.length, 1)
  const routes = [{ backend: { affinity, retry: on5xx } }]
  proxy.apply({ routes, endpoints: { web: [bad] } })
  t.same(fieldsOf(await send(proxy), 'set-cookie'), ofBad, 'there is no other endpoint')

  const good = await startNamed(t, 'good')
  proxy.apply({ routes, endpoints: { web: [bad, good] } })
  const cookieOf = new Map<string, readonly string[]>()
  for (let count = 0; count < 260; count += 1) {
    const response = await send(proxy)
    cookieOf.set(response.body, fieldsOf(response, 'set-cookie'))
  }
  t.same(cookieOf.get('bad'), ofBad, 'the budget is spent')
  t.not(cookieOf.get('good')?.[0], ofBad[0])
})
