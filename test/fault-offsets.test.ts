// A connection ends at every byte of a request and of a response, by FIN and by reset, on either side. Whatever the offset:
// the client gets exactly one outcome, no request with a side effect reaches the upstream twice, and nothing is left over.
import t, { type Test } from 'tap'
import { eventually } from '../shared/testing/eventually.ts'
import { type InProcess, startInProcess } from './support/in-process.ts'
import { untilQuiet } from './support/quiet.ts'
import { connectRaw, type RawClient } from './support/raw-client.ts'
import { okResponse, type Script, startScripted, type UpstreamSide } from './support/upstream.ts'

type Ending = 'fin' | 'reset'
const endings = ['fin', 'reset'] as const

/** So many cases run at once: they share the pool of upstream connections, as clients of one proxy do. */
const atOnce = 24

const requests = {
  'POST with a length': (id: string) =>
    `POST /${id} HTTP/1.1\r\nHost: a.test\r\nX-Id: ${id}\r\nContent-Length: 11\r\n\r\nhello world`,
  'chunked POST': (id: string) =>
    `POST /${id} HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n`,
  GET: (id: string) => `GET /${id} HTTP/1.1\r\nHost: a.test\r\n\r\n`,
} as const

const responses = {
  'a length': 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world',
  chunks:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n',
  'an interim response before it':
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok',
} as const

function end(socket: UpstreamSide['socket'], how: Ending): void {
  if (how === 'fin') socket.end()
  else socket.resetAndDestroy()
}

/** Runs `play` for each offset of `length` bytes; reports what went wrong, by offset. */
async function atEachOffset(
  length: number,
  play: (offset: number) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  let next = 0
  const lane = async () => {
    for (let offset = next++; offset <= length; offset = next++) {
      const found = await play(offset).catch((error: unknown) => String(error))
      if (found !== undefined) wrong.push(`at ${offset}: ${found}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return wrong
}

/** A data plane and its upstream for one group of cases; afterwards no socket of either is left. */
async function withProxy(
  t: Test,
  script: Script,
  run: (proxy: InProcess, upstream: Awaited<ReturnType<typeof startScripted>>) => Promise<void>,
): Promise<void> {
  const before = openSockets()
  const upstream = await startScripted(script)
  const proxy = await startInProcess({ endpoints: { web: [upstream] } })
  try {
    await run(proxy, upstream)
    await untilQuiet(proxy)
    const seen = Map.groupBy(upstream.requests, ({ method, target }) => `${method} ${target}`)
    const twice = [...seen].filter(([name, all]) => name.startsWith('POST') && all.length > 1)
    t.same(twice, [], 'no POST reached the upstream twice')
    const lines = Map.groupBy(proxy.log(), ({ path }) => path)
    const several = [...lines].filter(([path, all]) => path !== '' && all.length !== 1)
    t.same(several, [], 'one record per request')
  } finally {
    await proxy.close()
    await upstream.close()
  }
  await eventually('all sockets are closed', () => openSockets() <= before)
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

function finals(client: RawClient): RawClient['responses'] {
  return client.responses.filter(({ status }) => status >= 200)
}

/** What a client may never see, however a connection ends. */
function whatIsWrong(client: RawClient): string | undefined {
  if (client.malformed !== undefined) return client.malformed
  if (finals(client).length > 1) return `${finals(client).length} responses`
  return undefined
}

for (const [name, request] of Object.entries(requests)) {
  for (const how of endings) {
    t.test(`${name}: the client's ${how} at every byte of its request`, async (t) => {
      const script: Script = { onRequest: () => okResponse }
      await withProxy(t, script, async (proxy, upstream) => {
        const { length } = request('000')
        const wrong = await atEachOffset(length, async (offset) => {
          const id = String(offset).padStart(3, '0')
          const client = await connectRaw(proxy.port)
          if (offset > 0) client.send(request(id).slice(0, offset))
          // The bytes before the reset must be read: a reset takes what is still on its way with it.
          await new Promise((resolve) => setTimeout(resolve, 5))
          if (how === 'reset') client.reset()
          else client.end()
          await client.whenEnded()
          client.close()
          const statuses = finals(client).map(({ status }) => status)
          const seen = upstream.requests.filter(({ target }) => target === `/${id}`)
          const isWhole = seen.some(({ complete }) => complete)
          if (offset < length && isWhole) return 'a part of a request looked whole upstream'
          if (offset === length && how === 'fin' && statuses[0] !== 200)
            return `no answer: ${statuses}`
          if (offset < length && statuses.some((status) => status !== 400)) return `${statuses}`
          return whatIsWrong(client)
        })
        t.same(wrong, [])
      })
    })

    t.test(`${name}: the upstream's ${how} at every byte of the request`, async (t) => {
      const sides = new Map<string, UpstreamSide>()
      const script: Script = {
        onHead: ({ target }, side) => void sides.set(target, side),
        onRequest: () => okResponse,
      }
      await withProxy(t, script, async (proxy, upstream) => {
        const { length } = request('000')
        const headLength = request('000').indexOf('\r\n\r\n') + 4
        const wrong = await atEachOffset(length, async (offset) => {
          const id = String(offset).padStart(3, '0')
          const client = await connectRaw(proxy.port)
          client.send(request(id).slice(0, offset))
          const isCut = offset >= headLength && offset < length
          if (isCut) {
            await eventually('the head is upstream', () => sides.has(`/${id}`))
            const side = sides.get(`/${id}`)
            if (side !== undefined) end(side.socket, how)
            await client.head()
          }
          client.send(request(id).slice(offset))
          await client.until(() => finals(client).some(({ complete }) => complete), 'an answer')
          await new Promise((resolve) => setTimeout(resolve, 2))
          client.close()
          const expected = isCut ? 502 : 200
          const status = finals(client)[0]?.status
          if (status !== expected) return `${status} instead of ${expected}`
          const seen = upstream.requests.filter(({ target }) => target === `/${id}`)
          if (seen.length !== 1) return `${seen.length} times upstream`
          return whatIsWrong(client)
        })
        t.same(wrong, [])
      })
    })
  }
}

t.test('a POST and the FIN behind it in one go are served, whatever is read first', async (t) => {
  await withProxy(t, { onRequest: () => okResponse }, async (proxy, upstream) => {
    const rounds = 60
    const wrong = await atEachOffset(rounds - 1, async (round) => {
      const client = await connectRaw(proxy.port)
      const request = requests[round % 2 === 0 ? 'POST with a length' : 'chunked POST']
      client.socket.end(request(String(round).padStart(3, '0')), 'latin1')
      await client.whenEnded()
      client.close()
      const status = finals(client)[0]?.status
      return status === 200 ? whatIsWrong(client) : `${status} instead of 200`
    })
    t.same(wrong, [])
    t.equal(upstream.requests.filter(({ complete }) => complete).length, rounds)
  })
})

for (const [name, response] of Object.entries(responses)) {
  const finalAt = response.lastIndexOf('HTTP/1.1')
  const headLength = response.indexOf('\r\n\r\n', finalAt) + 4
  for (const how of endings) {
    for (const method of ['GET', 'POST'] as const) {
      const request = requests[method === 'GET' ? 'GET' : 'POST with a length']

      t.test(`${method}, ${name}: the upstream's ${how} at every byte`, async (t) => {
        const script: Script = {
          onRequest: ({ target }, side) => {
            const offset = Number(target.slice(1))
            side.socket.write(response.slice(0, offset), 'latin1', () => {
              if (offset < response.length) setTimeout(() => end(side.socket, how), 5)
            })
            return undefined
          },
        }
        await withProxy(t, script, async (proxy) => {
          const wrong = await atEachOffset(response.length, async (offset) => {
            const client = await connectRaw(proxy.port)
            client.send(request(String(offset).padStart(3, '0')))
            const head = await client.head()
            await client
              .until(() => head.complete, 'the body')
              .catch(() => client.whenEnded().then(() => undefined))
            client.close()
            const isHead = offset >= headLength
            const expected = isHead ? Number(response.slice(finalAt + 9, finalAt + 12)) : 502
            if (head.status !== expected) return `${head.status} instead of ${expected}`
            const isWhole = !isHead || offset === response.length
            if (head.complete !== isWhole) return isWhole ? 'cut' : 'a part looked whole'
            return whatIsWrong(client)
          })
          t.same(wrong, [])
        })
      })
    }

    t.test(`GET, ${name}: the client's ${how} at every byte`, async (t) => {
      const script: Script = {
        onRequest: ({ target }, side) => {
          side.socket.write(response.slice(0, Number(target.slice(1))), 'latin1')
          return undefined
        },
      }
      await withProxy(t, script, async (proxy, upstream) => {
        const wrong = await atEachOffset(response.length, async (offset) => {
          const client = await connectRaw(proxy.port)
          const id = String(offset).padStart(3, '0')
          client.send(requests.GET(id))
          const find = () => upstream.requests.find(({ target }) => target === `/${id}`)
          await eventually('the request is upstream', () => find()?.complete === true)
          await new Promise((resolve) => setTimeout(resolve, 5))
          if (how === 'reset') client.reset()
          else client.close()
          return whatIsWrong(client)
        })
        t.same(wrong, [])
        // An upstream whose client is gone learns that nobody waits for the rest.
        await untilQuiet(proxy)
        await eventually('only connections in the pool are open', () => {
          const open = upstream.connections.filter(({ ended }) => ended === 'open')
          return open.length === proxy.counter('weir_upstream_connections', { state: 'idle' })
        })
      })
    })
  }
}
