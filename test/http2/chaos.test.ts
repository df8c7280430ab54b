// Does anything get lost, or come twice, when clients and upstreams do whatever they like, at random and at any moment? Printed seeds
// play the same again: `node test/http2/chaos.test.ts SEED`.
//
// Also what guards against Node's own layer: resets at the wrong moment have ended the process (proxy/http2/reset-stream.ts).
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { startInProcess } from '../support/in-process.ts'
import { type Script, startScripted, type UpstreamSide } from '../support/upstream.ts'
import { fieldBlock, flag, frame, type as kinds } from './frames.ts'
import { connectHttp2, type RawHttp2Client } from './raw-client.ts'

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 2 ** 31))
const playMs = 4000

/** Numbers from 0 up to below `n`; the same ones for the same seed. */
function createDice(start: number): (n: number) => number {
  let state = start
  return (n) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % n
  }
}

const answers = [
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`,
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi',
  'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: 1\r\n\r\n',
]

function scriptOf(roll: (n: number) => number): Script {
  const later = (run: () => void) => void setTimeout(run, roll(10))
  const halves: readonly ((side: UpstreamSide) => void)[] = [
    (side) => {
      side.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
      later(() => (roll(2) === 0 ? side.socket.destroy() : side.send('0\r\nX: y\r\n\r\n')))
    },
    (side) => {
      side.send('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf')
      later(() => side.socket.destroy())
    },
    (side) => later(() => side.socket.end()),
    () => undefined,
  ]
  return {
    onHead: (_, side) => {
      if (roll(12) === 0) side.socket.destroy()
    },
    onRequest: (_, side) => {
      if (roll(5) < 3) return answers[roll(answers.length)]
      halves[roll(halves.length)]?.(side)
      return undefined
    },
  }
}

/** Does something with one of the streams, or with the connection. */
function step(client: RawHttp2Client, roll: (n: number) => number, nextId: () => number): void {
  const last = nextId() - 2
  const some = Math.max(1, last - 2 * roll(6))
  switch (roll(9)) {
    case 0:
    case 1:
    case 2:
      request(client, roll, last + 2)
      return
    case 3:
      client.data(some, 'x'.repeat(roll(3000)), roll(3) === 0)
      return
    case 4:
      if (roll(2) === 0) client.reset(some, [0, 8, 2][roll(3)])
      return
    case 5:
      client.grant(some, 1 + roll(100_000))
      return
    case 6:
      client.grant(0, 1 + roll(100_000))
      return
    case 7:
      client.send(frame(kinds.ping, 0, 0, '12345678'))
      return
    default:
      if (roll(30) !== 0) return
      if (roll(2) === 0) client.socket.resetAndDestroy()
      else client.socket.end()
  }
}

function request(client: RawHttp2Client, roll: (n: number) => number, id: number): void {
  const method = ['GET', 'POST', 'HEAD', 'PUT', 'GE T', 'CONNECT'][roll(6)] ?? 'GET'
  const list: [string, string][] = [[':method', method]]
  if (method === 'CONNECT') list.push([':protocol', 'websocket'])
  list.push(
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', roll(8) === 0 ? 'b.test' : 'a.test'],
  )
  if (roll(10) === 0) list.push(['host', 'c.test'])
  if (roll(6) === 0) list.push(['content-length', '5'])
  const ends = method !== 'CONNECT' && roll(2) === 0
  client.send(
    frame(kinds.headers, flag.endHeaders | (ends ? flag.endStream : 0), id, fieldBlock(list)),
  )
}

t.test(`whatever happens, seed ${seed}`, async (t) => {
  const roll = createDice(seed)
  const upstream = await startScripted(scriptOf(roll))
  const proxy = await startInProcess({
    flags: ['--h2c', '--retries', '1', '--http2-max-streams', '30'],
    endpoints: { web: [upstream] },
  })
  t.teardown(async () => {
    await proxy.close()
    await upstream.close()
  })
  const end = performance.now() + playMs
  while (performance.now() < end) {
    const client = await connectHttp2(proxy.port, roll(2) === 0 ? [] : [[4, roll(3) * 1000]])
    let id = 1
    const nextId = () => {
      id += 2
      return id
    }
    for (let at = 0; at < 150 && !client.isClosed; at += 1) {
      step(client, roll, nextId)
      if (roll(9) === 0) await new Promise((resolve) => setTimeout(resolve, roll(6)))
    }
    if (roll(2) === 0) await new Promise((resolve) => setTimeout(resolve, 30))
    client.close()
  }
  await eventually('every request has its end', () => proxy.plane.inFlight === 0)
  await eventually('no connection is left', () =>
    ['active', 'idle', 'tunnel'].every((state) => {
      return proxy.counter('weir_connections', { state }) === 0
    }),
  )
  const log = proxy.log()
  t.ok(log.length > 20, `${log.length} requests`)
  t.ok(upstream.requests.length <= log.length * 2, 'each at most twice: one retry')
  t.same(
    upstream.connections.map(({ malformed }) => malformed).filter((each) => each !== undefined),
    [],
    'upstreams saw strict HTTP/1.1',
  )
})
