// What may an upstream of HTTP/2 say, byte for byte? A server that takes frames apart and sends what a test writes.
//
// Invariant: it answers nothing by itself but SETTINGS and PING, so that every other byte is the test's.
import { once } from 'node:events'
import net from 'node:net'
import type { Endpoint } from '../../shared/routing/table.ts'

export const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
} as const

export const flags = { endStream: 1, ack: 1, endHeaders: 4 } as const

/** One frame as it came. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Writes a frame (RFC 9113 §4.1). */
export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Buffer | string = '',
): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(bytes.length, 0, 3)
  head[3] = type
  head[4] = flag
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, bytes])
}

/** Writes field lines, each as a literal without Huffman coding and table (RFC 7541 §6.2.2). */
export function fieldBlock(...fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const parts = fields.flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])
  return Buffer.concat(parts)
}

/** Writes a HEADERS frame; `isEnd` ends the stream. */
export function headers(
  stream: number,
  isEnd: boolean,
  ...fields: readonly (readonly [string, string])[]
): Buffer {
  const flag = flags.endHeaders | (isEnd ? flags.endStream : 0)
  return frame(frameTypes.headers, flag, stream, fieldBlock(...fields))
}

/** Writes a DATA frame. */
export function data(stream: number, text: string, isEnd = false): Buffer {
  return frame(frameTypes.data, isEnd ? flags.endStream : 0, stream, text)
}

/** Writes a RST_STREAM frame. */
export function reset(stream: number, code: number): Buffer {
  return frame(frameTypes.reset, 0, stream, number(code))
}

/** Writes a GOAWAY frame. */
export function goaway(lastStream: number, code = 0): Buffer {
  return frame(frameTypes.goaway, 0, 0, Buffer.concat([number(lastStream), number(code)]))
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** One connection to the server. */
export interface RawHttp2Side {
  readonly socket: net.Socket
  /** Counts from 0 in the order of arrival. */
  readonly index: number
  readonly frames: readonly Frame[]
}

/** What the server does. */
export interface RawHttp2Script {
  /** A request's head came on `stream`. */
  readonly onRequest?: (side: RawHttp2Side, stream: number) => void
  /** Whatever came, SETTINGS and PING too. */
  readonly onFrame?: (side: RawHttp2Side, frame: Frame) => void
  /** Sent when a connection is accepted; absent: empty SETTINGS. */
  readonly hello?: Buffer
  /** False: PING is not answered. */
  readonly answersPing?: boolean
}

/** A running server; an endpoint of a table as it stands. */
export interface RawHttp2Upstream extends Endpoint {
  readonly sides: readonly RawHttp2Side[]
  /** Heads of requests so far. */
  readonly requestCount: number
  close(): Promise<void>
}

const prefaceLength = 24

/** Starts a server on a free port of 127.0.0.1. */
export async function startRawHttp2(script: RawHttp2Script = {}): Promise<RawHttp2Upstream> {
  const sides: (RawHttp2Side & { frames: Frame[] })[] = []
  let requestCount = 0
  const server = net.createServer({ noDelay: true }, (socket) => {
    const side = { socket, index: sides.length, frames: [] as Frame[] }
    sides.push(side)
    let rest = Buffer.alloc(0)
    let isPrefaceRead = false
    socket.on('error', () => {})
    socket.write(script.hello ?? frame(frameTypes.settings, 0, 0))
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      if (!isPrefaceRead) {
        if (rest.length < prefaceLength) return
        rest = rest.subarray(prefaceLength)
        isPrefaceRead = true
      }
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const length = rest.readUIntBE(0, 3)
        const one: Frame = {
          type: rest.readUInt8(3),
          flags: rest.readUInt8(4),
          stream: rest.readUInt32BE(5),
          payload: rest.subarray(9, 9 + length),
        }
        rest = rest.subarray(9 + length)
        side.frames.push(one)
        take(side, one)
      }
    })
  })
  const take = (side: RawHttp2Side, one: Frame) => {
    const { type } = one
    const isAck = (one.flags & flags.ack) !== 0
    // What never says a word does not agree to anything either.
    if (type === frameTypes.settings && !isAck && script.hello?.length !== 0) {
      side.socket.write(frame(frameTypes.settings, flags.ack, 0))
    } else if (type === frameTypes.ping && !isAck && script.answersPing !== false) {
      side.socket.write(frame(frameTypes.ping, flags.ack, 0, one.payload))
    }
    script.onFrame?.(side, one)
    if (type !== frameTypes.headers) return
    requestCount += 1
    script.onRequest?.(side, one.stream)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    address: '127.0.0.1',
    port: address.port,
    protocol: 'h2',
    sides,
    get requestCount() {
      return requestCount
    },
    async close() {
      for (const { socket } of sides) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
