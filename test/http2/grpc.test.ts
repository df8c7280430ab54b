// Calls of gRPC through Weir, as real programs make them: HTTP/2 from a client of @grpc/grpc-js, HTTP/2 to its server.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { startGrpc, TestClient } from '../support/grpc.ts'
import { type InProcessOptions, startInProcess } from '../support/in-process.ts'

async function startCalls(t: Test, options: InProcessOptions = {}) {
  const upstream = await startGrpc()
  const dataPlane = await startInProcess({
    endpoints: { web: [upstream] },
    ...options,
    flags: ['--h2c', ...(options.flags ?? [])],
  })
  const client = new TestClient(dataPlane.port)
  t.teardown(async () => {
    client.close()
    await dataPlane.close()
    upstream.close()
  })
  return { upstream, dataPlane, client }
}

t.test('one message each way, with trailers', async (t) => {
  const { client, dataPlane } = await startCalls(t)
  const { code, message, trailers } = await client.unary('Echo', 'hello')
  t.equal(code, 0)
  t.equal(message?.toString(), 'hello')
  t.same(trailers.get('x-length'), ['5'])
  await eventually('a record', () => dataPlane.log().length === 1)
  t.match(dataPlane.log()[0], { status: 200, protocol: 'HTTP/2.0', path: '/weir.Test/Echo' })
})

t.test('an error of the service, with its details and trailers', async (t) => {
  const { client } = await startCalls(t)
  const { code, details, trailers } = await client.unary('Echo', 'fail 9')
  t.equal(code, 9)
  t.equal(details, 'as wished: ü')
  t.same(trailers.get('x-length'), ['6'])
})

t.test('a method that is not there', async (t) => {
  const { client } = await startCalls(t)
  t.equal((await client.unary('Nothing', 'hello')).code, 12)
})

t.test('large messages both ways', async (t) => {
  const { client } = await startCalls(t)
  const large = Buffer.alloc(16 << 20, 'x')
  const { code, message } = await client.unary('Echo', large)
  t.equal(code, 0)
  t.ok(message?.equals(large))
})

t.test('many messages one way, and the other', async (t) => {
  const { client } = await startCalls(t)
  const sum = await new Promise<string>((resolve, reject) => {
    const call = client.count((error, message) => {
      if (error === null) resolve(String(message))
      else reject(error)
    })
    for (let at = 0; at < 1000; at += 1) call.write(Buffer.alloc(1000))
    call.end()
  })
  t.equal(sum, '1000000')
  let count = 0
  for await (const message of client.list(5000)) {
    if (message.toString() === String(count)) count += 1
  }
  t.equal(count, 5000)
})

t.test('messages both ways at once, as long as both like', async (t) => {
  const { client } = await startCalls(t)
  const call = client.chat()
  for (let at = 0; at < 50; at += 1) {
    call.write(Buffer.from(`message ${at}`))
    const [message] = await once(call, 'data')
    if (message.toString() !== `message ${at}`) t.fail(message.toString())
  }
  const status = once(call, 'status')
  call.end()
  t.match((await status)[0], { code: 0 })
})

t.test('a deadline of the client is kept by Weir, too', async (t) => {
  const { client, upstream, dataPlane } = await startCalls(t)
  const started = performance.now()
  const { code } = await client.unary('Hang', '', { deadline: Date.now() + 300 })
  t.equal(code, 4)
  t.ok(performance.now() - started < 2000)
  await eventually('the service hears of it', () => upstream.cancelled === 1)
  await eventually('nothing is in flight', () => dataPlane.plane.inFlight === 0)
})

t.test('a call that its client gives up is given up upstream', async (t) => {
  const { client, upstream, dataPlane } = await startCalls(t)
  const call = client.chat()
  call.on('error', () => {})
  call.write(Buffer.from('x'))
  await once(call, 'data')
  call.cancel()
  await eventually('the service hears of it', () => upstream.cancelled === 1)
  await eventually('nothing is in flight', () => dataPlane.plane.inFlight === 0)
})

t.test('what Weir answers by itself', async (t) => {
  const nowhere = { address: '127.0.0.1', port: 1, protocol: 'h2' } as const
  const rows: {
    why: string
    code: number
    options: InProcessOptions
    path?: string
    log?: number
  }[] = [
    { why: 'no route', code: 12, options: { routes: [{ host: 'b.test' }] }, log: 404 },
    { why: 'no endpoints', code: 14, options: { endpoints: { web: [] } }, log: 503 },
    {
      why: 'an endpoint that is not there',
      code: 14,
      options: { endpoints: { web: [nowhere] } },
      log: 502,
    },
    {
      why: 'a closed route',
      code: 14,
      options: { routes: [{ backend: { kind: 'closed', reason: '' } }] },
      log: 503,
    },
    {
      why: 'an address that may not come',
      code: 7,
      options: { routes: [{ filters: [{ kind: 'access', allow: ['10.0.0.0/8'], deny: [] }] }] },
      log: 403,
    },
    { why: 'before the first table', code: 14, options: { isUnsynced: true }, log: 503 },
    {
      why: 'a service that is too slow',
      code: 4,
      options: { routes: [{ backend: { limits: { readMs: 100 } } }] },
      path: 'Hang',
      log: 504,
    },
    {
      why: 'an answer of the route',
      code: 7,
      options: {
        routes: [
          {
            backend: { kind: 'answer', answer: { status: 403, code: '', headers: [], body: 'no' } },
          },
        ],
      },
      log: 403,
    },
  ]
  for (const { why, code, options, path = 'Echo', log } of rows) {
    await t.test(why, async (t) => {
      const { client, dataPlane } = await startCalls(t, options)
      const outcome = await client.unary(path, 'x')
      t.equal(outcome.code, code, outcome.details)
      await eventually('a record', () => dataPlane.log().length === 1)
      t.equal(dataPlane.log()[0]?.status, log, 'log and metrics tell what went wrong')
    })
  }
})

t.test('health checks of an ALB', async (t) => {
  const { client, dataPlane } = await startCalls(t)
  const check = async (path: string) => (await client.unary(path, '')).code
  t.equal(await check('/AWS.ALB/healthcheck'), 12, 'its default path and matcher')
  // A client that waits for exactly one message would call an OK without one an error.
  const health = client.list(0, '/kube-system/healthz')
  health.resume()
  t.match((await once(health, 'status'))[0], { code: 0 }, 'the health path')
  dataPlane.plane.drain()
  t.equal(await check('/AWS.ALB/healthcheck'), 14)
  t.equal(await check('/kube-system/healthz'), 14)
  t.same(dataPlane.log(), [], 'they are not the client’s traffic')
})

t.test(
  '10,000 calls over one connection while all endpoints are replaced, one by one',
  async (t) => {
    const first = [await startGrpc(), await startGrpc(), await startGrpc()]
    const dataPlane = await startInProcess({ endpoints: { web: first }, flags: ['--h2c'] })
    const client = new TestClient(dataPlane.port)
    const all = [...first]
    t.teardown(async () => {
      client.close()
      await dataPlane.close()
      for (const upstream of all) upstream.close()
    })
    const total = 10_000
    let begun = 0
    let ended = 0
    const failed = new Map<string, number>()
    const lane = async () => {
      while (begun < total) {
        begun += 1
        const text = `call ${begun}`
        const { code, details, message } = await client.unary('Echo', text)
        ended += 1
        if (code === 0 && message?.toString() === text) continue
        const what = `${code} ${details}`
        failed.set(what, (failed.get(what) ?? 0) + 1)
      }
    }
    const lanes = Array.from({ length: 40 }, lane)
    let serving = [...first]
    for (const [at, old] of first.entries()) {
      await eventually('traffic', () => ended > (total / 4) * (at + 1), undefined, 120_000)
      // As a Deployment rolls: one comes, one goes; the table hears of it, and the pod is told to end, in whatever order.
      const next = await startGrpc()
      all.push(next)
      serving = [...serving.filter((each) => each !== old), next]
      const isToldFirst = at % 2 === 0
      const told = isToldFirst ? old.drain() : undefined
      if (isToldFirst) await new Promise((resolve) => setTimeout(resolve, 30))
      dataPlane.apply({ endpoints: { web: serving } })
      await (told ?? old.drain())
    }
    await Promise.all(lanes)
    t.same([...failed], [])
    t.equal(ended, total)
    const calls = all.map((upstream) => upstream.calls.length)
    t.ok(
      calls.every((count) => count > 0),
      `each had its share: ${calls}`,
    )
    t.equal(
      calls.reduce((sum, count) => sum + count, 0),
      total,
      'and no call was served twice',
    )
  },
)

t.test('messages go both ways for hours', async (t) => {
  const clock = new ManualClock()
  const { client, upstream, dataPlane } = await startCalls(t, { clock })
  const call = client.chat()
  call.on('error', (error) => t.fail(error.message))
  const rounds = 900
  for (let round = 0; round < rounds; round += 1) {
    clock.advance(9000)
    const echoed = once(call, 'data')
    call.write(Buffer.from(`${round}`))
    const [message] = await echoed
    if (message.toString() !== `${round}`) t.fail(message.toString())
  }
  const status = once(call, 'status')
  call.end()
  t.match((await status)[0], { code: 0 })
  t.same(upstream.calls, ['chat'])
  await eventually('a record', () => dataPlane.log().length === 1)
  t.match(dataPlane.log()[0], { status: 200 })
})
