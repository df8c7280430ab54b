// What becomes of request bodies that are gathered before they are sent, and are too large for memory?
import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { head, response, startPair } from '../exchange/pair.ts'
import { okResponse, type Script, startScripted } from '../support/upstream.ts'

const spilling = { limits: { bufferBytes: 10, spills: true } }
const fill = (length: number) =>
  Array.from({ length }, (_, at) => String.fromCharCode(97 + (at % 23))).join('')

t.test('what is too much for memory waits in a file, and arrives whole', async (t) => {
  const { upstream, connect } = await startPair(t, { routes: [{ backend: spilling }] })
  const client = await connect()
  const body = fill(700_000)
  client.send(head('POST / HTTP/1.1', `Content-Length: ${body.length}`) + body.slice(0, 600_000))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(upstream.connections.length, 0, 'nobody is asked before it is whole')
  client.send(body.slice(600_000))
  t.equal((await client.response()).status, 200)
  t.ok(upstream.text.endsWith(body), 'byte for byte')
  const chunk = fill(5000)
  const chunked = `${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`
  const post = head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')
  t.equal((await client.request(post + chunked)).status, 200)
  t.equal(upstream.requests[1]?.body, chunk)
  t.match(upstream.text, /content-length: 5000\r\n/i, 'its length is known by then')
  t.same(openSpools(), [], 'no file is left')
})

t.test('a body in a file is sent again', async (t) => {
  let asked = 0
  const onRequest = () => {
    asked += 1
    return asked === 1 ? response('503 Busy', '') : okResponse
  }
  const retry = { on: [], statuses: [{ from: 503, to: 503 }], allMethods: true }
  const routes = [{ backend: { ...spilling, retry } }]
  const { dataPlane, upstream, connect } = await startPair(t, { routes, script: { onRequest } })
  const other = await startScripted({ onRequest })
  t.teardown(() => other.close())
  dataPlane.apply({ routes, endpoints: { web: [upstream, other] } })
  const client = await connect()
  const body = fill(300_000)
  const post = head('POST / HTTP/1.1', `Content-Length: ${body.length}`)
  t.equal((await client.request(post + body)).status, 200)
  t.same(
    [upstream, other].map(({ text }) => text.endsWith(body)),
    [true, true],
  )
  t.same(openSpools(), [])
})

t.test('an endpoint that is slow, or goes away in the middle', async (t) => {
  let connections = 0
  const script: Script = {
    onHead: (_, side) => {
      connections += 1
      if (connections === 1) side.socket.resetAndDestroy()
      else {
        side.socket.pause()
        setTimeout(() => side.socket.resume(), 100)
      }
    },
    onRequest: () => okResponse,
  }
  const routes = [
    { backend: { ...spilling, retry: { on: ['reset' as const], statuses: [], allMethods: true } } },
  ]
  const { dataPlane, upstream, connect } = await startPair(t, { routes, script })
  const other = await startScripted(script)
  t.teardown(() => other.close())
  dataPlane.apply({ routes, endpoints: { web: [upstream, other] } })
  const client = await connect()
  const body = fill(5 << 20)
  client.send(head('POST / HTTP/1.1', `Content-Length: ${body.length}`))
  client.send(body)
  t.equal((await client.response()).status, 200)
  const received = [upstream, other].map((side) => side.connections[0]?.receivedBytes ?? 0)
  t.ok(Math.max(...received) > body.length, 'all of it, behind its head')
  t.ok(Math.min(...received) < body.length, 'the first got a part')
  t.same(openSpools(), [])
})

t.test('an answer that comes before the end of the body ends the request', async (t) => {
  const { dataPlane, connect } = await startPair(t, {
    routes: [{ backend: spilling }],
    script: {
      onHead: (_, side) => {
        side.socket.pause()
        side.send(response('413 No', 'no', 'Connection: close'))
      },
    },
  })
  const client = await connect()
  const body = fill(5 << 20)
  client.send(head('POST / HTTP/1.1', `Content-Length: ${body.length}`))
  client.send(body)
  t.equal((await client.response()).status, 413)
  await eventually('it is logged', () => dataPlane.log().length === 1)
  await eventually('the file is gone', () => openSpools().length === 0)
})

t.test('a client that goes away leaves no file', async (t) => {
  const { dataPlane, upstream, connect } = await startPair(t, { routes: [{ backend: spilling }] })
  const client = await connect()
  client.send(`${head('POST / HTTP/1.1', 'Content-Length: 100000')}${fill(50_000)}`)
  await eventually('it is in a file', () => openSpools().length === 1)
  client.close()
  await eventually('the file is gone', () => openSpools().length === 0)
  await eventually('it is logged', () => dataPlane.log().length === 1)
  t.equal(upstream.connections.length, 0)
})

t.test('where no file can be made a body goes on as it comes', async (t) => {
  const { TMPDIR } = process.env
  process.env.TMPDIR = '/nowhere/at/all'
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  const { upstream, connect } = await startPair(t, { routes: [{ backend: spilling }] })
  const client = await connect()
  const body = fill(300_000)
  client.send(head('POST / HTTP/1.1', `Content-Length: ${body.length}`) + body.slice(0, 200_000))
  await eventually('upstream is asked', () => upstream.requests.length === 1)
  client.send(body.slice(200_000))
  t.equal((await client.response()).status, 200)
  t.ok(upstream.text.endsWith(body))
  const short = fill(500)
  const post = head('POST / HTTP/1.1', `Content-Length: ${short.length}`)
  t.equal((await client.request(post + short)).status, 200, 'nor a body that is whole already')
  t.equal(upstream.requests[1]?.body, short)
})

/** Files of bodies that this process has open. */
function openSpools(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.includes('weir-body-') ? [path] : []
    } catch {
      return []
    }
  })
}
