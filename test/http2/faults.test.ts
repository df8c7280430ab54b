// An upstream of HTTP/2 ends at every byte of its answer, by FIN, by a reset, and by frames that say so. Whatever the offset:
// the client gets exactly one outcome, no request with a side effect reaches the upstream twice, and nothing is left over.
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { untilQuiet } from '../support/quiet.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import {
  data,
  frame,
  frameTypes,
  goaway,
  headers,
  type RawHttp2Script,
  type RawHttp2Side,
  reset,
  startRawHttp2,
} from '../support/raw-http2.ts'

const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const post = 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello'
const ok: readonly [string, string] = [':status', '200']

/** Answers as frames: each in a piece of its own. */
const answers = {
  'a length': (id: number) => [
    headers(id, false, ok, ['content-length', '11'], ['x-a', 'b']),
    data(id, 'hello'),
    data(id, ' world', true),
  ],
  'no length': (id: number) => [
    headers(id, false, ok),
    data(id, 'hello'),
    data(id, ' world'),
    data(id, '', true),
  ],
  trailers: (id: number) => [
    headers(id, false, ok, ['content-type', 'application/grpc']),
    data(id, 'hello world'),
    headers(id, true, ['grpc-status', '0']),
  ],
  'an interim head': (id: number) => [
    headers(id, false, [':status', '103'], ['link', '</a>']),
    headers(id, false, [':status', '201']),
    data(id, 'hello world', true),
  ],
  'a head alone': (id: number) => [headers(id, true, ok, ['grpc-status', '5'])],
} as const

type Ending = (side: RawHttp2Side, stream: number) => void
const endings: Readonly<Record<string, Ending>> = {
  'a FIN': ({ socket }) => socket.end(),
  'a reset of the connection': ({ socket }) => socket.resetAndDestroy(),
}
/** Those that are frames: they can come between frames only. */
const frameEndings: Readonly<Record<string, Ending>> = {
  'RST_STREAM without an error': ({ socket }, id) => socket.write(reset(id, 0)),
  'RST_STREAM, CANCEL': ({ socket }, id) => socket.write(reset(id, 8)),
  'RST_STREAM, INTERNAL_ERROR': ({ socket }, id) => socket.write(reset(id, 2)),
  'GOAWAY and FIN': ({ socket }, id) => socket.end(goaway(id)),
  'GOAWAY with an error': ({ socket }, id) => socket.write(goaway(id, 2)),
  'a frame that is none': ({ socket }) => socket.write(frame(frameTypes.data, 0, 0, 'x')),
}

function finals(client: RawClient): RawClient['responses'] {
  return client.responses.filter(({ status }) => status >= 200)
}

/** One client's request; says what is wrong with what it got. */
async function play(
  proxy: InProcess,
  request: string,
  expected: { readonly hasHead: boolean; readonly isWhole: boolean; readonly status: number },
): Promise<string | undefined> {
  const client = await connectRaw(proxy.port)
  client.send(request)
  const head = await client.head()
  await client
    .until(() => head.complete, 'the body')
    .catch(() => client.whenEnded().then(() => undefined))
  client.close()
  const { hasHead, isWhole, status } = expected
  if (head.status !== (hasHead ? status : 502)) return `${head.status}`
  if (head.complete !== (isWhole || !hasHead)) return isWhole ? 'cut' : 'a part looked whole'
  if (isWhole && status !== 502 && head.body !== '' && head.body !== 'hello world') return head.body
  if (client.malformed !== undefined) return client.malformed
  return finals(client).length === 1 ? undefined : `${finals(client).length} responses`
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

for (const [name, answer] of Object.entries(answers)) {
  const frames = answer(1)
  const whole = Buffer.concat(frames)
  const boundaries: number[] = [0]
  for (const { length } of frames) boundaries.push((boundaries.at(-1) ?? 0) + length)
  const headEnd = boundaries[name === 'an interim head' ? 2 : 1] ?? 0
  const status = name === 'an interim head' ? 201 : 200
  const groups = [
    ...Object.entries(endings).map(([how, end]) => ({
      how,
      end,
      offsets: Array.from({ length: whole.length }, (_, at) => at),
    })),
    ...Object.entries(frameEndings).map(([how, end]) => ({
      how,
      end,
      offsets: boundaries.slice(0, -1),
    })),
  ]
  for (const { how, end, offsets } of groups) {
    t.test(`${name}: ${how}`, async (t) => {
      const before = openSockets()
      let offset = 0
      const script: RawHttp2Script = {
        onRequest: (side, stream) => {
          const bytes = Buffer.concat(answer(stream)).subarray(0, offset)
          side.socket.write(bytes, () => setTimeout(() => end(side, stream), 3))
        },
      }
      // Another endpoint is there to try, and must not be tried.
      const upstreams = [await startRawHttp2(script), await startRawHttp2(script)]
      const proxy = await startInProcess({ endpoints: { web: upstreams } })
      const wrong: string[] = []
      try {
        for (offset of offsets) {
          const expected = { hasHead: offset >= headEnd, isWhole: false, status }
          const found = await play(proxy, post, expected).catch((error: unknown) => String(error))
          if (found !== undefined) wrong.push(`at ${offset}: ${found}`)
        }
        t.same(wrong, [])
        const count = upstreams.reduce((sum, { requestCount }) => sum + requestCount, 0)
        t.equal(count, offsets.length, 'no POST reached the upstreams twice')
        await untilQuiet(proxy)
        t.equal(proxy.log().length, offsets.length, 'one record per request')
      } finally {
        await proxy.close()
        for (const upstream of upstreams) await upstream.close()
      }
      await eventually('all sockets are closed', () => openSockets() <= before)
    })
  }

  t.test(`${name}: whole, whatever comes behind it`, async (t) => {
    const behind: Ending[] = [() => {}, ...Object.values(endings), ...Object.values(frameEndings)]
    let at = 0
    const upstream = await startRawHttp2({
      onRequest: (side, stream) => {
        side.socket.write(Buffer.concat(answer(stream)))
        behind[at]?.(side, stream)
      },
    })
    const proxy = await startInProcess({ endpoints: { web: [upstream] } })
    for (at = 0; at < behind.length; at += 1) {
      const expected = { hasHead: true, isWhole: true, status }
      t.equal(await play(proxy, get, expected), undefined, `${at}`)
    }
    await proxy.close()
    await upstream.close()
  })
}
