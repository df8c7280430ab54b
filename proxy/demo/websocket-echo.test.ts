import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { eventually } from '../../shared/testing/eventually.ts'
import { maxFrameBytes, serveEcho } from './websocket-echo.ts'

async function startEcho(t: Test): Promise<number> {
  const server = createServer().on('upgrade', serveEcho).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const handshake =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/** A client of bytes: sends, and keeps what comes after the response head. */
async function openRaw(t: Test, port: number, early: Buffer = Buffer.alloc(0)) {
  const socket: Socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  let received = Buffer.alloc(0)
  let isOver = false
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes])
  })
  socket.on('close', () => {
    isOver = true
  })
  socket.write(Buffer.concat([Buffer.from(handshake), early]))
  await eventually('the head is there', () => received.includes('\r\n\r\n'))
  const headBytes = received.indexOf('\r\n\r\n') + 4
  return {
    socket,
    head: received.toString('latin1', 0, headBytes),
    frames: () => received.subarray(headBytes).toString('hex'),
    isOver: () => isOver,
  }
}

/** A client's frame, masked. */
function masked(firstByte: number, payload: string): Buffer {
  const mask = Buffer.from([1, 2, 3, 4])
  const bytes = Buffer.from(payload).map((byte, i) => byte ^ (mask[i & 3] ?? 0))
  return Buffer.concat([Buffer.from([firstByte, 0x80 | bytes.length]), mask, bytes])
}

const finalText = 0x81

t.test('an independent client gets its messages back, of every length encoding', async (t) => {
  const client = new WebSocket(`ws://127.0.0.1:${await startEcho(t)}`)
  await once(client, 'open')
  for (const length of [0, 1, 125, 126, 65_535, 65_536, maxFrameBytes]) {
    client.send(Buffer.alloc(length, 'x'))
    const [echoed, isBinary] = await once(client, 'message')
    t.equal(echoed.length, length)
    t.ok(isBinary)
  }
  client.send('grüße')
  t.equal(String((await once(client, 'message'))[0]), 'grüße')
  client.ping('are you there')
  t.equal(String((await once(client, 'pong'))[0]), 'are you there')
  client.close(1000, 'bye')
  const [code, reason] = await once(client, 'close')
  t.equal(code, 1000)
  t.equal(String(reason), 'bye')
})

t.test('the handshake is that of RFC 6455 §1.3, and frames sent with it are echoed', async (t) => {
  const client = await openRaw(t, await startEcho(t), masked(finalText, 'hi'))
  t.match(client.head, /^HTTP\/1.1 101 .*\r\n/)
  t.match(client.head, 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n')
  await eventually('the echo is there', () => client.frames() === '81026869')
})

const conversations = [
  {
    why: 'fragments are echoed as fragments, with a ping between them',
    frames: [masked(0x01, 'a'), masked(0x89, 'p'), masked(0x80, 'b')],
    replies: '0101618a0170800162',
    isOver: false,
  },
  {
    why: 'a pong is not answered',
    frames: [masked(0x8a, 'p'), masked(finalText, 'x')],
    replies: '810178',
    isOver: false,
  },
  {
    why: 'a frame that is not masked is a protocol error (§5.1)',
    frames: [Buffer.from('810178', 'hex')],
    replies: '880203ea',
    isOver: true,
  },
  {
    why: 'an extension nobody agreed on is a protocol error (§5.2)',
    frames: [masked(0xc1, 'x')],
    replies: '880203ea',
    isOver: true,
  },
  {
    why: 'an unknown opcode is a protocol error',
    frames: [masked(0x83, 'x')],
    replies: '880203ea',
    isOver: true,
  },
  {
    why: 'a continuation without a beginning is a protocol error (§5.4)',
    frames: [masked(0x80, 'x')],
    replies: '880203ea',
    isOver: true,
  },
  {
    why: 'a message within a message is a protocol error (§5.4)',
    frames: [masked(0x01, 'a'), masked(finalText, 'b')],
    replies: '010161880203ea',
    isOver: true,
  },
  {
    why: 'a fragmented ping is a protocol error (§5.5)',
    frames: [masked(0x09, 'a')],
    replies: '880203ea',
    isOver: true,
  },
  {
    why: 'a frame that claims too much is refused before it arrives',
    frames: [Buffer.from(`82ff${'00000fffffffffff'}01020304`, 'hex')],
    replies: '880203f1',
    isOver: true,
  },
  {
    why: 'a close is answered and ends the connection (§5.5.1)',
    frames: [masked(0x88, '')],
    replies: '8800',
    isOver: true,
  },
]

for (const { why, frames, replies, isOver } of conversations) {
  t.test(why, async (t) => {
    const client = await openRaw(t, await startEcho(t))
    // Byte by byte: a frame may arrive in any pieces.
    for (const byte of Buffer.concat(frames)) client.socket.write(Buffer.from([byte]))
    await eventually(`replies are ${replies}`, () => client.frames() === replies)
    if (isOver) await eventually('the connection is over', () => client.isOver())
  })
}

t.test('another version is told which one is spoken', async (t) => {
  const port = await startEcho(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(handshake.replace('Version: 13', 'Version: 8'))
  const [answer] = await once(socket, 'data')
  t.match(String(answer), /^HTTP\/1.1 426 .*Sec-WebSocket-Version: 13\r\n/s)
  socket.destroy()
})
