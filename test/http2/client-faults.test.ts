// A client of HTTP/2 ends at every byte and at every frame of what it asks and of what it is answered, in every way there is. Whatever
// the offset: exactly one outcome, no request that is not whole looks whole upstream, none gets there twice, and nothing is left over.
//
// The last test cuts several streams at once at random; its seed is printed, and `node test/http2/client-faults.test.ts SEED` plays it
// again.
import t, { type Test } from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { startHttp2 } from '../support/http2-upstream.ts'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { untilQuiet } from '../support/quiet.ts'
import { freshSeed, seededRandom } from '../support/random-bytes.ts'
import { startScripted } from '../support/upstream.ts'
import { fieldBlock, flag, frame, type as kinds, uint32 } from './frames.ts'
import { connectHttp2, type RawHttp2Client } from './raw-client.ts'

const { endHeaders, endStream } = flag

function head(method: string, path: string, ...more: readonly [string, string][]): Buffer {
  return fieldBlock([
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a.test'],
    ...more,
  ])
}

/** Requests as frames of a stream. */
const requests = {
  GET: (id: number, path: string) => [
    frame(kinds.headers, endHeaders | endStream, id, head('GET', path)),
  ],
  'POST with a length': (id: number, path: string) => [
    frame(kinds.headers, endHeaders, id, head('POST', path, ['content-length', '11'])),
    frame(kinds.data, 0, id, 'hello'),
    frame(kinds.data, endStream, id, ' world'),
  ],
  'POST in pieces, with trailers': (id: number, path: string) => {
    const block = head('POST', path, ['te', 'trailers'])
    return [
      frame(kinds.headers, 0, id, block.subarray(0, 9)),
      frame(kinds.continuation, endHeaders, id, block.subarray(9)),
      frame(kinds.data, flag.padded, id, '\x03hello\0\0\0'),
      frame(kinds.data, 0, id, ''),
      frame(kinds.headers, endHeaders | endStream, id, fieldBlock([['x-sum', '1']])),
    ]
  },
} as const

type Ending = (client: RawHttp2Client, id: number) => void
const endings: Readonly<Record<string, Ending>> = {
  'a FIN': (client) => void client.socket.end(),
  'a reset of the connection': (client) => void client.socket.resetAndDestroy(),
}
/** Those that are frames: they can come between frames only. */
const frameEndings: Readonly<Record<string, Ending>> = {
  'RST_STREAM, CANCEL': (client, id) => client.reset(id),
  'RST_STREAM without an error': (client, id) => client.reset(id, 0),
  'GOAWAY and FIN': (client) => void client.socket.end(frame(kinds.goaway, 0, 0, Buffer.alloc(8))),
  'GOAWAY with an error': (client) =>
    client.send(frame(kinds.goaway, 0, 0, Buffer.concat([uint32(0), uint32(2)]))),
  'a frame that is none': (client) => client.send(frame(kinds.data, 0, 0, 'x')),
  'a second head that ends nothing': (client, id) =>
    client.send(frame(kinds.headers, endHeaders, id, head('GET', '/second'))),
}

/** What of each path came to an upstream. */
interface Upstream {
  readonly endpoint: { readonly address: string; readonly port: number }
  readonly heads: ReadonlyMap<string, number>
  readonly wholes: ReadonlySet<string>
  close(): Promise<void>
}

/** Says how much of a response goes out; all of it when it is past its end. */
type Answer = (path: string) => number

class Seen {
  readonly heads = new Map<string, number>()
  readonly wholes = new Set<string>()

  note(path: string): void {
    this.heads.set(path, (this.heads.get(path) ?? 0) + 1)
  }
}

const http1Answer =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'

/** By how much of a response each protocol cuts it. */
const upstreams: Readonly<Record<string, (answer: Answer) => Promise<Upstream>>> = {
  'HTTP/1.1': async (answer) => {
    const seen = new Seen()
    const server = await startScripted({
      onHead: ({ target }) => seen.note(target),
      onRequest: ({ target }) => {
        seen.wholes.add(target)
        return http1Answer.slice(0, answer(target))
      },
    })
    return { endpoint: server, ...seen, close: () => server.close() }
  },
  'HTTP/2': async (answer) => {
    const seen = new Seen()
    const server = await startHttp2({
      onRequest: ({ stream, field }) => {
        const path = field(':path') ?? ''
        seen.note(path)
        stream.resume().on('end', () => {
          if (stream.aborted || stream.rstCode !== 0 || stream.destroyed) return
          seen.wholes.add(path)
          // Head, body and end: a third each of what HTTP/1.1 would cut.
          const part = answer(path) / http1Answer.length
          if (part > 0.3) stream.respond([':status', '200'])
          if (part >= 1) stream.end('hello')
          else if (part > 0.6) stream.write('he')
        })
      },
    })
    return { endpoint: server, ...seen, close: () => server.close() }
  },
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

/** A data plane and its upstream for one group of cases; afterwards nothing of either is left. */
async function withProxy(
  t: Test,
  start: (answer: Answer) => Promise<Upstream>,
  answer: Answer,
  run: (proxy: InProcess, upstream: Upstream) => Promise<void>,
): Promise<void> {
  const before = openSockets()
  const upstream = await start(answer)
  const proxy = await startInProcess({
    flags: ['--h2c'],
    endpoints: { web: [upstream.endpoint] },
  })
  try {
    await run(proxy, upstream)
    await untilQuiet(proxy)
    const twice = [...upstream.heads].filter(([, count]) => count > 1)
    t.same(twice, [], 'no request reached the upstream twice')
    const paths = proxy.log().map(({ path }) => String(path))
    t.equal(new Set(paths).size, paths.length, 'one record per request')
    t.ok(
      [...upstream.heads.keys()].every((path) => paths.includes(path)),
      'and one of each that went upstream',
    )
  } finally {
    await proxy.close()
    await upstream.close()
  }
  await eventually('all sockets are closed', () => openSockets() <= before)
}

/** So many cases run at once: they share the pool of upstream connections, as clients of one proxy do. */
const atOnce = 24

async function each(
  offsets: readonly number[],
  play: (offset: number) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  const rest = [...offsets]
  const lane = async () => {
    for (let offset = rest.shift(); offset !== undefined; offset = rest.shift()) {
      const found = await play(offset).catch((error: unknown) => String(error))
      if (found !== undefined) wrong.push(`at ${offset}: ${found}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return wrong
}

/** What a client may never see on a stream. */
function whatIsWrong(client: RawHttp2Client, id: number): string | undefined {
  const finals = client.statuses(id).filter((status) => status >= 200)
  if (finals.length > 1) return `${finals.length} responses`
  if (client.hasEnded(id) && finals.length === 0) return 'an end without a response'
  const isWhole = client.body(id) === 'hello' || finals[0] !== 200
  return client.hasEnded(id) && !isWhole ? 'a part of a response looked whole' : undefined
}

const whole = Number.POSITIVE_INFINITY
const pause = () => new Promise((resolve) => setTimeout(resolve, 5))

function boundariesOf(frames: readonly Buffer[]): number[] {
  const boundaries = [0]
  for (const { length } of frames) boundaries.push((boundaries.at(-1) ?? 0) + length)
  return boundaries
}

/** A path for each offset, all of one length. */
const pathOf = (offset: number) => `/${String(offset).padStart(3, '0')}`

for (const [protocol, start] of Object.entries(upstreams)) {
  for (const [name, request] of Object.entries(requests)) {
    const boundaries = boundariesOf(request(1, pathOf(0)))
    const length = boundaries.at(-1) ?? 0
    const groups = [
      ...Object.entries(endings).map(([how, end]) => ({
        how,
        end,
        offsets: Array.from({ length: length + 1 }, (_, at) => at),
      })),
      ...Object.entries(frameEndings).map(([how, end]) => ({ how, end, offsets: boundaries })),
    ]
    t.test(`${name} to ${protocol}: the client's end at every offset of its request`, async (t) => {
      for (const { how, end, offsets } of groups) {
        await withProxy(
          t,
          start,
          () => whole,
          async ({ port }, upstream) => {
            const wrong = await each(offsets, async (offset) => {
              const path = pathOf(offset)
              const client = await connectHttp2(port)
              client.send(Buffer.concat(request(1, path)).subarray(0, offset))
              await pause()
              end(client, 1)
              await pause()
              client.close()
              if (offset < length && upstream.wholes.has(path))
                return 'a part looked whole upstream'
              return whatIsWrong(client, 1)
            })
            t.same(wrong, [], how)
          },
        )
      }
    })
  }

  t.test(`the client's end at every offset of a response by ${protocol}`, async (t) => {
    for (const [how, end] of Object.entries({ ...endings, ...frameEndings })) {
      const { length } = http1Answer
      const offsets = Array.from({ length: length + 1 }, (_, at) => at)
      const cutAt = (path: string) => Number(path.slice(1))
      await withProxy(t, start, cutAt, async ({ port }, upstream) => {
        const wrong = await each(offsets, async (offset) => {
          const path = pathOf(offset)
          const client = await connectHttp2(port)
          client.send(...requests['POST with a length'](1, path))
          await eventually('the request is upstream', () => upstream.wholes.has(path))
          await pause()
          end(client, 1)
          await pause()
          client.close()
          return whatIsWrong(client, 1)
        })
        t.same(wrong, [], how)
      })
    }
  })
}

const rounds = 120
const seed = Number(process.argv[2] ?? freshSeed((text) => t.comment(text)))

for (const [protocol, start] of Object.entries(upstreams)) {
  t.test(`several streams of a client, cut at random, to ${protocol}`, async (t) => {
    const random = seededRandom(seed)
    const roll = (below: number) => Math.floor(random() * below)
    const kindsOfRequest = Object.values(requests)
    const allEndings = Object.values({ ...endings, ...frameEndings })
    await withProxy(
      t,
      start,
      () => whole,
      async ({ port }, upstream) => {
        const plans = Array.from({ length: rounds }, (_, round) => {
          const streams = [1, 3, 5].map((id) => ({ id, path: `/${round}/${id}` }))
          const queues = streams.map(({ id, path }) => [
            ...(kindsOfRequest[roll(kindsOfRequest.length)]?.(id, path) ?? []),
          ])
          // A field section is never interrupted (RFC 9113 §4.3), everything else may be; ids only grow.
          const frames: Buffer[] = []
          for (const queue of queues) {
            do frames.push(queue.shift() ?? Buffer.alloc(0))
            while (queue[0]?.[3] === kinds.continuation)
          }
          for (let left = queues.filter(hasMore); left.length > 0; left = queues.filter(hasMore)) {
            frames.push(left[roll(left.length)]?.shift() ?? Buffer.alloc(0))
          }
          const bytes = Buffer.concat(frames)
          const end = allEndings[roll(allEndings.length)]
          const endsAt = streams.map(({ id }) => lastByteOf(frames, id))
          if (end === undefined) throw new Error('no such ending')
          return { streams, bytes, cut: roll(bytes.length), end, endsAt }
        })
        const wrong = await each(
          plans.map((_, at) => at),
          async (at) => {
            const plan = plans[at]
            if (plan === undefined) return 'no plan'
            const { streams, bytes, cut, end, endsAt } = plan
            const client = await connectHttp2(port)
            client.send(bytes.subarray(0, cut))
            await pause()
            end(client, 3)
            await pause()
            client.close()
            for (const [index, { id, path }] of streams.entries()) {
              if (cut < (endsAt[index] ?? 0) && upstream.wholes.has(path)) {
                return `${path}: a part looked whole upstream`
              }
              const found = whatIsWrong(client, id)
              if (found !== undefined) return `${path}: ${found}`
            }
            return undefined
          },
        )
        t.same(wrong, [])
        t.ok(upstream.wholes.size > 0, `${upstream.wholes.size} whole requests`)
      },
    )
  })
}

function hasMore(queue: readonly Buffer[]): boolean {
  return queue.length > 0
}

/** Where the last frame of a stream is over. */
function lastByteOf(frames: readonly Buffer[], id: number): number {
  let at = 0
  let last = 0
  for (const each of frames) {
    at += each.length
    if (each.readUInt32BE(5) === id) last = at
  }
  return last
}
