// What happens to a request when its upstream fails, over real sockets: the retry table of proxy/upstream/retry.ts row by
// row, passive health, balance, and the life of pooled connections.
import t, { type Test } from 'tap'
import { pickInTurn } from '../proxy/upstream/balance/round-robin.ts'
import { LiveUpstream } from '../proxy/upstream/live-upstream.ts'
import { testPools } from '../proxy/upstream/testing/pools.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'
import { startBlackhole } from './support/blackhole.ts'
import { type InProcess, type InProcessOptions, startInProcess } from './support/in-process.ts'
import { untilQuiet } from './support/quiet.ts'
import { seededRandom } from './support/random-bytes.ts'
import { connectRaw, type RawResponse, requestOnce } from './support/raw-client.ts'
import {
  okResponse,
  type Script,
  type ScriptedUpstream,
  startScripted,
} from './support/upstream.ts'

/** Nothing listens there: the port is for a service of the seventies. */
const refusing = (port = 1) => ({ address: '127.0.0.1', port })

const get = 'GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n'
const post = 'POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello'
const chunkedPost =
  'POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'

async function startFor(t: Test, options: InProcessOptions): Promise<InProcess> {
  const proxy = await startInProcess(options)
  t.teardown(() => proxy.close())
  return proxy
}

async function upstreamFor(t: Test, script?: Script, port?: number): Promise<ScriptedUpstream> {
  const upstream = await startScripted(script, port === undefined ? {} : { port })
  t.teardown(() => upstream.close())
  return upstream
}

const retriesOf = (proxy: InProcess) => proxy.counter('weir_retries_total')
const errorsOf = (proxy: InProcess, code: string) =>
  proxy.counter('weir_upstream_errors_total', { code })

// ── refused and timed out connections: nothing was sent ─────────────────────────────────────────

for (const [name, request, body] of [
  ['GET', get, ''],
  ['POST with a body', post, 'hello'],
  ['chunked POST', chunkedPost, 'hello'],
  ['PATCH with a body', post.replace('POST', 'PATCH'), 'hello'],
  ['DELETE', get.replace('GET', 'DELETE'), ''],
] as const) {
  t.test(`${name}: a refused connection is tried again at another endpoint`, async (t) => {
    const upstream = await upstreamFor(t)
    // The turn begins with the second of two endpoints.
    const proxy = await startFor(t, { endpoints: { web: [upstream, refusing()] } })
    t.equal((await requestOnce(proxy.port, request)).status, 200)
    t.same(
      upstream.requests.map(({ complete, body: seen }) => [complete, seen]),
      [[true, body]],
    )
    t.equal(retriesOf(proxy), 1)
    t.equal(errorsOf(proxy, 'connect-failed'), 1)
    await untilQuiet(proxy)
    t.match(proxy.log(), [
      { status: 200, error: '', retries: 1, endpoint: `127.0.0.1:${upstream.port}` },
    ])
  })
}

t.test('without another endpoint a refused connection is a 502 and no retry', async (t) => {
  const proxy = await startFor(t, { endpoints: { web: [refusing()] } })
  const response = await requestOnce(proxy.port, get)
  t.equal(response.status, 502)
  t.match(response.body, 'connect-failed')
  t.equal(errorsOf(proxy, 'connect-failed'), 1, 'one attempt')
  t.equal(retriesOf(proxy), 0)
  await untilQuiet(proxy)
  t.match(proxy.log(), [{ status: 502, error: 'connect-failed', retries: 0 }])
})

for (const { flags, refused, status, attempts, why } of [
  { flags: [], refused: 2, status: 200, attempts: 3, why: 'two retries are allowed' },
  { flags: [], refused: 3, status: 502, attempts: 3, why: 'a third one is not' },
  { flags: ['--retries', '0'], refused: 1, status: 502, attempts: 1, why: 'switched off' },
]) {
  t.test(`${refused} refusing endpoints, ${flags.join(' ') || 'defaults'}: ${why}`, async (t) => {
    const upstream = await upstreamFor(t)
    const bad = Array.from({ length: refused }, (_, index) => refusing(index + 1))
    const proxy = await startFor(t, { flags, endpoints: { web: [upstream, ...bad] } })
    t.equal((await requestOnce(proxy.port, post)).status, status)
    t.equal(errorsOf(proxy, 'connect-failed') + upstream.requests.length, attempts)
    t.equal(retriesOf(proxy), attempts - 1)
    await untilQuiet(proxy)
  })
}

t.test(
  'an endpoint that does not answer a connect is left after the connect timeout',
  async (t) => {
    const clock = new ManualClock()
    const hole = await startBlackhole()
    t.teardown(() => hole.close())
    const upstream = await upstreamFor(t)
    for (const { endpoints, status, why } of [
      { endpoints: [upstream, hole], status: 200, why: 'another endpoint serves' },
      { endpoints: [hole], status: 504, why: 'there is no other' },
    ]) {
      const proxy = await startInProcess({ clock, endpoints: { web: endpoints } })
      const client = await connectRaw(proxy.port)
      client.send(post)
      await eventually('a connection is tried', () => {
        return proxy.counter('weir_upstream_connections', { state: 'busy' }) === 1
      })
      clock.advance(1_900)
      t.equal(errorsOf(proxy, 'connect-timeout'), 0, 'patient for 2 s')
      clock.advance(300)
      const response = await client.response()
      t.equal(response.status, status, why)
      t.equal(errorsOf(proxy, 'connect-timeout'), 1)
      client.close()
      await untilQuiet(proxy)
      await proxy.close()
    }
  },
)

// ── connections that close before they answer ───────────────────────────────────────────────────

/** Answers the first request of each connection and closes it, by FIN or reset, when a second one comes. */
function answerOnce(how: 'fin' | 'reset', onSecond: 'head' | 'end' = 'end'): Script {
  const close: Script['onRequest'] = (_, { socket }) => {
    if (how === 'fin') socket.end()
    else socket.resetAndDestroy()
    return undefined
  }
  return {
    onHead: (request, side) => {
      if (onSecond === 'head' && side.requests.length > 1) close(request, side)
    },
    onRequest: (request, side) => {
      return side.requests.length > 1 ? close(request, side) : okResponse
    },
  }
}

for (const { request, isRetried, why } of [
  { request: get, isRetried: true, why: 'GET may be repeated' },
  { request: get.replace('GET', 'HEAD'), isRetried: true, why: 'so may HEAD' },
  { request: get.replace('GET', 'OPTIONS'), isRetried: true, why: 'and OPTIONS' },
  { request: get.replace('GET', 'DELETE'), isRetried: true, why: 'DELETE is idempotent' },
  {
    request: 'PUT /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n',
    isRetried: true,
    why: 'so is PUT',
  },
  { request: post.replace('POST', 'PUT'), isRetried: false, why: 'a body that was sent is gone' },
  { request: post, isRetried: false, why: 'POST may have had its effect' },
  { request: chunkedPost, isRetried: false, why: 'POST may have had its effect' },
  {
    request: 'POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n',
    isRetried: false,
    why: 'a POST without a body has effects, too',
  },
  { request: get.replace('GET', 'PATCH'), isRetried: false, why: 'PATCH is not idempotent' },
]) {
  for (const how of ['fin', 'reset'] as const) {
    const [line = ''] = request.split('\r\n')
    t.test(`${line}, kept connection closed by ${how}: ${why}`, async (t) => {
      const upstream = await upstreamFor(t, answerOnce(how))
      const proxy = await startFor(t, { endpoints: { web: [upstream] } })
      const client = await connectRaw(proxy.port)
      t.equal((await client.request(get)).status, 200)
      const response = await client.request(request)
      t.equal(response.status, isRetried ? 200 : 502)
      const method = line.slice(0, line.indexOf(' '))
      const seen = upstream.requests.slice(1).filter((each) => each.method === method)
      t.equal(seen.length, isRetried ? 2 : 1, 'times that the upstream saw it')
      t.equal(upstream.connectionCount, isRetried ? 2 : 1)
      t.equal(retriesOf(proxy), isRetried ? 1 : 0)
      client.close()
      await untilQuiet(proxy)
      t.match(proxy.log()[1], { status: isRetried ? 200 : 502, retries: isRetried ? 1 : 0 })
    })
  }
}

t.test('a new connection that closes without an answer is not tried again', async (t) => {
  const upstream = await upstreamFor(t, {
    onRequest: (_, { socket }) => {
      socket.end()
      return undefined
    },
  })
  const other = await upstreamFor(t)
  const proxy = await startFor(t, { endpoints: { web: [other, upstream] } })
  const response = await requestOnce(proxy.port, get)
  t.equal(response.status, 502)
  t.match(response.body, 'upstream-reset')
  t.same([upstream.requests.length, other.requests.length, retriesOf(proxy)], [1, 0, 0])
  await untilQuiet(proxy)
})

t.test('a kept connection is replaced once, not for ever', async (t) => {
  const upstream = await upstreamFor(t, {
    onRequest: (_, side) => {
      if (side.index === 0 && side.requests.length === 1) return okResponse
      side.socket.resetAndDestroy()
      return undefined
    },
  })
  const proxy = await startFor(t, { endpoints: { web: [upstream] } })
  const client = await connectRaw(proxy.port)
  t.equal((await client.request(get)).status, 200)
  t.equal((await client.request(get)).status, 502)
  t.equal(upstream.requests.length, 3)
  client.close()
  await untilQuiet(proxy)
})

t.test('idle connections that all went stale cost one retry, not one each', async (t) => {
  const first: (() => void)[] = []
  const upstream = await upstreamFor(t, {
    onRequest: (_, side) => {
      if (side.requests.length > 1) side.socket.resetAndDestroy()
      else if (side.index > 3) return okResponse
      else first.push(() => side.send(okResponse))
      return undefined
    },
  })
  const proxy = await startFor(t, { endpoints: { web: [upstream] } })
  const clients = await Promise.all([1, 2, 3, 4].map(() => connectRaw(proxy.port)))
  const answers = clients.map((client) => client.request(get))
  await eventually('four connections are in use', () => first.length === 4)
  for (const answer of first) answer()
  await Promise.all(answers)
  t.equal(proxy.counter('weir_upstream_connections', { state: 'idle' }), 4)
  t.equal((await clients[0]?.request(get))?.status, 200)
  t.equal(retriesOf(proxy), 1)
  for (const client of clients) client.close()
  await untilQuiet(proxy)
})

// ── what is never tried again ───────────────────────────────────────────────────────────────────

for (const request of [get, post]) {
  t.test(`${request.slice(0, 4)}: no answer in time is a 504 and no retry`, async (t) => {
    const clock = new ManualClock()
    const upstream = await upstreamFor(t, {})
    const other = await upstreamFor(t)
    const proxy = await startFor(t, { clock, endpoints: { web: [other, upstream] } })
    const client = await connectRaw(proxy.port)
    client.send(request)
    await eventually('the request came', () => upstream.requests[0]?.complete === true)
    clock.advance(59_000)
    t.equal(client.text, '', 'patient for 60 s')
    clock.advance(1_200)
    const response = await client.response()
    t.equal(response.status, 504)
    t.match(response.body, 'response-timeout')
    t.same([upstream.requests.length, other.requests.length, retriesOf(proxy)], [1, 0, 0])
    await eventually('the upstream knows that nobody waits', () => {
      return upstream.connections[0]?.ended !== 'open'
    })
    client.close()
    await untilQuiet(proxy)
  })
}

t.test('a 5xx of the upstream is its answer', async (t) => {
  const upstream = await upstreamFor(t, {
    onRequest: () => 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy',
  })
  const other = await upstreamFor(t)
  const proxy = await startFor(t, { endpoints: { web: [other, upstream] } })
  const response = await requestOnce(proxy.port, get)
  t.match(response, { status: 503, body: 'busy' })
  t.same([upstream.requests.length, other.requests.length, retriesOf(proxy)], [1, 0, 0])
  await untilQuiet(proxy)
})

const partial = [
  { bytes: 'HTTP/1.1 2', status: 502, why: 'in its status line' },
  { bytes: 'HTTP/1.1 200 OK\r\nContent-Le', status: 502, why: 'in its head' },
  { bytes: 'HTTP/1.1 103 Early Hints\r\n\r\n', status: 502, why: 'behind an interim response' },
  { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', status: 200, why: 'in its body' },
  {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf',
    status: 200,
    why: 'in a chunk',
  },
  {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    status: 200,
    why: 'between chunks',
  },
  {
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n',
    status: 200,
    why: 'before the last empty line',
  },
]

for (const { bytes, status, why } of partial) {
  for (const how of ['fin', 'reset'] as const) {
    t.test(`${how} of a kept connection ${why}: no retry, and a cut is seen as one`, async (t) => {
      const upstream = await upstreamFor(t, {
        onRequest: (_, side) => {
          if (side.requests.length === 1) return okResponse
          side.socket.write(bytes, () => {
            // The reset must not overtake the bytes in the proxy's receive queue.
            setTimeout(
              () => (how === 'fin' ? side.socket.end() : side.socket.resetAndDestroy()),
              20,
            )
          })
          return undefined
        },
      })
      const proxy = await startFor(t, { endpoints: { web: [upstream] } })
      const client = await connectRaw(proxy.port)
      t.equal((await client.request(get)).status, 200)
      client.expectAnswerTo('GET')
      client.send(get)
      const response: RawResponse = await client.head()
      t.equal(response.status, status)
      if (status === 200) {
        await client.whenEnded()
        t.notOk(response.complete, 'the body is not whole')
        t.equal(response.body, 'half', 'what came was passed on')
      } else {
        await client.until(() => response.complete, 'the error page')
        t.equal((await client.request(get)).status, 200, 'the client may go on')
      }
      t.equal(retriesOf(proxy), 0)
      t.equal(upstream.requests.length, status === 200 ? 2 : 3)
      client.close()
      await untilQuiet(proxy)
    })
  }
}

t.test('a body without length or chunks ends with the connection, and only by FIN', async (t) => {
  for (const how of ['fin', 'reset'] as const) {
    const upstream = await startScripted({
      onRequest: (_, { socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nall of it', () => {
          setTimeout(() => (how === 'fin' ? socket.end() : socket.resetAndDestroy()), 20)
        })
        return undefined
      },
    })
    const proxy = await startInProcess({ endpoints: { web: [upstream] } })
    const client = await connectRaw(proxy.port)
    client.send(get)
    const response = await client.head()
    if (how === 'fin') await client.until(() => response.complete, 'the end')
    else await client.whenEnded()
    t.equal(response.body, 'all of it')
    t.equal(response.complete, how === 'fin', how)
    client.close()
    // An HTTP/1.0 client has nothing but the end of the connection to tell one from the other.
    const old = await connectRaw(proxy.port)
    old.send('GET / HTTP/1.0\r\nHost: a.test\r\n\r\n')
    t.equal(await old.whenEnded(), how, `HTTP/1.0 client, upstream ended by ${how}`)
    await untilQuiet(proxy)
    await proxy.close()
    await upstream.close()
  }
})

t.test('an upstream that resets an upload is not asked again', async (t) => {
  const upstream = await upstreamFor(t, {
    onHead: (_, { socket }) => void setTimeout(() => socket.resetAndDestroy(), 20),
  })
  const other = await upstreamFor(t)
  const proxy = await startFor(t, { endpoints: { web: [other, upstream] } })
  const client = await connectRaw(proxy.port)
  client.send('PUT /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 500000\r\n\r\n')
  await client.sendParts(
    Array.from({ length: 20 }, () => Buffer.alloc(1000)),
    2,
  )
  const response = await client.response()
  t.match(response, { status: 502 })
  t.same([upstream.requests.length, other.requests.length, retriesOf(proxy)], [1, 0, 0])
  client.close()
  await untilQuiet(proxy)
})

t.test('an exhausted budget ends retries until requests have earned more', async (t) => {
  const upstream = await upstreamFor(t, answerOnce('reset'))
  const flags = ['--retry-budget-percent', '20', '--access-log', 'off']
  const proxy = await startFor(t, { flags, endpoints: { web: [upstream] } })
  const client = await connectRaw(proxy.port)
  // From the second on, each request meets a closed connection, unless the one before it was not retried.
  const statuses: number[] = []
  for (let count = 0; count < 400; count += 1) statuses.push((await client.request(get)).status)
  const failed = statuses.filter((status) => status === 502).length
  const firstFailure = statuses.indexOf(502)
  t.ok(firstFailure >= 120 && firstFailure <= 130, `full budget: ${firstFailure} requests served`)
  t.equal(statuses.length - failed, statuses.filter((status) => status === 200).length)
  const retries = retriesOf(proxy)
  t.ok(retries <= 100 + 400 * 0.2, `${retries} retries`)
  t.ok(retries >= 100 + 270 * 0.2, `${retries} retries: the budget is used`)
  t.equal(proxy.counter('weir_retries_refused_total'), failed)
  client.close()
  await untilQuiet(proxy)
})

// ── passive health ──────────────────────────────────────────────────────────────────────────────

t.test('five failures in a row take an endpoint out for ten seconds', async (t) => {
  const clock = new ManualClock()
  const good = await upstreamFor(t)
  const proxy = await startFor(t, { clock, endpoints: { web: [good, refusing()] } })
  const client = await connectRaw(proxy.port)
  async function ask(times: number): Promise<number> {
    const before = errorsOf(proxy, 'connect-failed')
    for (let count = 0; count < times; count += 1) {
      t.equal((await client.request(get)).status, 200)
    }
    return errorsOf(proxy, 'connect-failed') - before
  }
  t.equal(await ask(30), 5, 'then it is passed over')
  clock.advance(9_500)
  t.equal(await ask(6), 0, 'still out')
  clock.advance(1_000)
  t.equal(await ask(30), 5, 'back, and out again')
  clock.advance(19_000)
  t.equal(await ask(6), 0, 'twice as long')
  clock.advance(1_500)
  t.ok((await ask(2)) > 0, 'and back')
  client.close()
  await untilQuiet(proxy)
})

t.test('an endpoint that serves again is as good as new', async (t) => {
  const clock = new ManualClock()
  const good = await upstreamFor(t)
  const { port } = await startScripted().then(async (upstream) => {
    await upstream.close()
    return upstream
  })
  const proxy = await startFor(t, {
    clock,
    endpoints: { web: [good, { address: '127.0.0.1', port }] },
  })
  const client = await connectRaw(proxy.port)
  const ask = async (times: number) => {
    for (let count = 0; count < times; count += 1) await client.request(get)
  }
  await ask(20)
  t.equal(errorsOf(proxy, 'connect-failed'), 5)
  const revived = await startScripted(undefined, { port })
  clock.advance(10_100)
  await ask(20)
  t.equal(revived.requests.length, 10, 'it gets its share')
  await revived.close()
  await ask(20)
  t.equal(errorsOf(proxy, 'connect-failed'), 10, 'out again')
  clock.advance(10_100)
  await ask(2)
  t.ok(errorsOf(proxy, 'connect-failed') > 10, 'for ten seconds, as the first time')
  client.close()
  await untilQuiet(proxy)
})

t.test('a success in between keeps an endpoint in', async (t) => {
  const good = await upstreamFor(t)
  let count = 0
  const flaky = await upstreamFor(t, {
    onRequest: (_, { socket }) => {
      count += 1
      if (count % 5 === 0) return okResponse.replace('OK\r\n', 'OK\r\nConnection: close\r\n')
      socket.end()
      return undefined
    },
  })
  const proxy = await startFor(t, { endpoints: { web: [good, flaky] } })
  const client = await connectRaw(proxy.port)
  for (let asked = 0; asked < 60; asked += 1) await client.request(get)
  t.equal(flaky.requests.length, 30)
  client.close()
  await untilQuiet(proxy)
})

t.test('when all endpoints fail, they are still asked', async (t) => {
  const flags = ['--retry-budget-percent', '100']
  const proxy = await startFor(t, { flags, endpoints: { web: [refusing(1), refusing(2)] } })
  const client = await connectRaw(proxy.port)
  for (let count = 0; count < 20; count += 1) {
    const response = await client.request(get)
    t.match(response, { status: 502, body: /connect-failed/ })
  }
  t.equal(errorsOf(proxy, 'connect-failed'), 40)
  client.close()
  await untilQuiet(proxy)
})

// ── balance ─────────────────────────────────────────────────────────────────────────────────────

t.test('endpoints take turns exactly', async (t) => {
  const upstreams = await Promise.all([1, 2, 3].map(() => upstreamFor(t)))
  const proxy = await startFor(t, { endpoints: { web: upstreams } })
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connectRaw(proxy.port)))
  await Promise.all(
    clients.map(async (client) => {
      for (let count = 0; count < 60; count += 1) await client.request(get)
      client.close()
    }),
  )
  t.same(
    upstreams.map(({ requests }) => requests.length),
    [100, 100, 100],
  )
  await untilQuiet(proxy)
})

t.test(
  'the first turn is random, so that workers do not all begin with the same endpoint',
  async (t) => {
    const endpoints = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((address) => {
      return { address, port: 80 }
    })
    const firsts = [0, 0.3, 0.5, 0.99].map((random) => {
      const upstream = new LiveUpstream('default/web:80', () => random)
      const { pools } = testPools()
      upstream.update({ key: 'default/web:80', endpoints }, pools)
      return pickInTurn(upstream.list, [])?.name
    })
    t.same(firsts, ['10.0.0.2:80', '10.0.0.3:80', '10.0.0.4:80', '10.0.0.1:80'])
  },
)

t.test('least-requests keeps away from an endpoint that is slow', async (t) => {
  const waiting: (() => void)[] = []
  const slow = await upstreamFor(t, {
    onRequest: (_, side) => {
      waiting.push(() => side.send(okResponse))
      return undefined
    },
  })
  const quick = await upstreamFor(t)
  const proxy = await startFor(t, {
    random: seededRandom(5),
    routes: [{ backend: { balance: { kind: 'least-requests' } } }],
    endpoints: { web: [slow, quick] },
  })
  const clients = await Promise.all(Array.from({ length: 100 }, () => connectRaw(proxy.port)))
  for (const client of clients) {
    const seen = slow.requests.length + quick.requests.length
    client.send(get)
    await eventually('it is on its way', () => slow.requests.length + quick.requests.length > seen)
  }
  const atSlow = slow.requests.length
  t.ok(atSlow >= 1 && atSlow < 20, `${atSlow} of 100; taking turns it would be 50`)
  for (const answer of waiting) answer()
  for (const client of clients) {
    t.equal((await client.response()).status, 200)
    client.close()
  }
  await untilQuiet(proxy)
})

// ── endpoints that go ───────────────────────────────────────────────────────────────────────────

t.test('a removed endpoint finishes what it has and gets nothing more', async (t) => {
  let answer: (() => void) | undefined
  const old = await upstreamFor(t, {
    onRequest: (request, side) => {
      if (request.target !== '/slow') return okResponse
      side.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
      answer = () => side.send('half')
      return undefined
    },
  })
  const next = await upstreamFor(t)
  const proxy = await startFor(t, { endpoints: { web: [old] } })
  const busy = await connectRaw(proxy.port)
  const idle = await connectRaw(proxy.port)
  busy.send(get.replace('/x', '/slow'))
  const response = await busy.head()
  t.equal((await idle.request(get)).status, 200)
  t.equal(proxy.counter('weir_upstream_connections', { state: 'idle' }), 1)
  proxy.apply({ endpoints: { web: [next] } })
  t.equal(proxy.counter('weir_upstream_connections', { state: 'idle' }), 0)
  for (let count = 0; count < 10; count += 1) t.equal((await idle.request(get)).status, 200)
  t.same([old.requests.length, next.requests.length], [2, 10])
  await eventually('its idle connection is closed', () => old.connections[1]?.ended !== 'open')
  t.equal(old.connections[0]?.ended, 'open', 'the busy one is not')
  answer?.()
  await busy.until(() => response.complete, 'the rest')
  t.equal(response.body, 'halfhalf')
  await eventually('then it is closed, too', () => old.connections[0]?.ended !== 'open')
  t.equal((await busy.request(get)).status, 200)
  t.equal(old.requests.length, 2)
  busy.close()
  idle.close()
  await untilQuiet(proxy)
})

t.test('an endpoint keeps its connections when its neighbours change', async (t) => {
  const stays = await upstreamFor(t)
  const goes = await upstreamFor(t)
  const proxy = await startFor(t, { endpoints: { web: [stays, goes] } })
  const client = await connectRaw(proxy.port)
  for (let count = 0; count < 4; count += 1) await client.request(get)
  for (let round = 0; round < 5; round += 1) {
    proxy.apply({ endpoints: { web: round % 2 === 0 ? [stays] : [goes, stays] } })
    for (let count = 0; count < 4; count += 1) await client.request(get)
  }
  t.equal(stays.connectionCount, 1)
  client.close()
  await untilQuiet(proxy)
})

// ── pooled connections ──────────────────────────────────────────────────────────────────────────

for (const { keepAlive, keptMs, why } of [
  { keepAlive: '', keptMs: 4000, why: 'the setting' },
  { keepAlive: 'Keep-Alive: timeout=3\r\n', keptMs: 2000, why: 'a shorter promise, with a margin' },
  { keepAlive: 'Keep-Alive: timeout=60, max=100\r\n', keptMs: 4000, why: 'a longer one' },
  { keepAlive: 'Keep-Alive: timeout=1\r\n', keptMs: 0, why: 'too short to be of use' },
]) {
  t.test(`an idle connection is kept for ${keptMs} ms: ${why}`, async (t) => {
    const clock = new ManualClock()
    const answer = `HTTP/1.1 200 OK\r\n${keepAlive}Content-Length: 2\r\n\r\nok`
    const upstream = await upstreamFor(t, { onRequest: () => answer })
    const proxy = await startFor(t, { clock, endpoints: { web: [upstream] } })
    const client = await connectRaw(proxy.port)
    await client.request(get)
    if (keptMs > 0) {
      clock.advance(keptMs - 200)
      await client.request(get)
      t.equal(upstream.connectionCount, 1, 'used again just before')
    }
    clock.advance(keptMs + 300)
    await eventually('closed', () => upstream.connections[0]?.ended !== 'open')
    t.equal(proxy.counter('weir_upstream_connections', { state: 'idle' }), 0)
    t.equal((await client.request(get)).status, 200)
    t.equal(upstream.connectionCount, 2)
    t.equal(retriesOf(proxy), 0)
    client.close()
    await untilQuiet(proxy)
  })
}

for (const [why, spoil] of [
  [
    'a response nobody asked for',
    (side) => side.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'),
  ],
  ['a single byte', (side) => side.send('\n')],
  ['a FIN', (side) => void side.socket.end()],
  ['a reset', (side) => void side.socket.resetAndDestroy()],
] as const satisfies readonly (readonly [
  string,
  (side: ScriptedUpstream['connections'][number]) => void,
])[]) {
  t.test(`${why} on an idle connection ends it before anybody uses it`, async (t) => {
    const upstream = await upstreamFor(t)
    const proxy = await startFor(t, { endpoints: { web: [upstream] } })
    const client = await connectRaw(proxy.port)
    await client.request(get)
    const [side] = upstream.connections
    if (side === undefined) throw new Error('no connection')
    spoil(side)
    await eventually('it is out of the pool', () => {
      return proxy.counter('weir_upstream_connections', { state: 'idle' }) === 0
    })
    await eventually('it is closed', () => side.socket.destroyed || side.ended !== 'open')
    t.match(await client.request(get), { status: 200, body: 'ok' })
    t.equal(upstream.connectionCount, 2)
    t.equal(retriesOf(proxy), 0)
    client.close()
    await untilQuiet(proxy)
  })
}

for (const [why, answer] of [
  ['bytes behind its end', `${okResponse}x`],
  ['a second response', `${okResponse}${okResponse.replace('ok', 'no')}`],
  ['Connection: close', okResponse.replace('OK\r\n', 'OK\r\nConnection: close\r\n')],
  ['HTTP/1.0', okResponse.replace('HTTP/1.1', 'HTTP/1.0')],
  ['bytes behind a 204', 'HTTP/1.1 204 No Content\r\n\r\nx'],
  [
    'bytes behind the last chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx',
  ],
] as const) {
  t.test(`a response with ${why} is served, its connection is not used again`, async (t) => {
    const upstream = await upstreamFor(t, { onRequest: () => answer })
    const proxy = await startFor(t, { endpoints: { web: [upstream] } })
    const client = await connectRaw(proxy.port)
    for (const round of [1, 2, 3]) {
      const response = await client.request(get)
      t.match(response.status, /20[04]/)
      t.match(response.body, /^(ok)?$/)
      t.equal(upstream.connectionCount, round)
    }
    t.equal(client.malformed, undefined)
    client.close()
    await untilQuiet(proxy)
  })
}
