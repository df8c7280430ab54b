import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Outbox } from './outbox.ts'

/** Two ends of a real connection; both are closed when the test ends. */
async function socketPair(t: Test): Promise<[Socket, Socket]> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, 'connection')
  const near = connect(address.port, '127.0.0.1')
  const [far] = await accepted
  server.close()
  t.teardown(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

async function received(near: Socket, far: Socket): Promise<string> {
  const parts: Buffer[] = []
  far.on('data', (bytes: Buffer) => parts.push(bytes))
  near.end()
  await once(far, 'end')
  return Buffer.concat(parts).toString('latin1')
}

t.test('a head waits for its body, and both leave in one write', async (t) => {
  const [near, far] = await socketPair(t)
  const outbox = new Outbox(near)
  outbox.addText('HEAD\r\n\r\n')
  t.equal(near.bytesWritten, 0, 'nothing is sent before flush')
  outbox.addBytes(Buffer.from('\xe9body', 'latin1'))
  t.equal(near.bytesWritten, 0, 'a small body joins the head')
  outbox.flush()
  outbox.flush()
  t.equal(await received(near, far), 'HEAD\r\n\r\n\xe9body')
  t.equal(outbox.bodyBytes, 5, 'the head is not counted as body')
})

t.test('text is latin1: one char is one byte', async (t) => {
  const [near, far] = await socketPair(t)
  const outbox = new Outbox(near)
  outbox.addText('\x80\xff')
  outbox.flush()
  t.equal(await received(near, far), '\x80\xff')
})

const sizes = [1, 8191, 8192, 8193, 70_000]
for (const size of sizes) {
  t.test(`a body of ${size} bytes keeps its order with head and chunks`, async (t) => {
    const [near, far] = await socketPair(t)
    const outbox = new Outbox(near)
    const body = Buffer.alloc(size, 'x')
    outbox.addText('HEAD ')
    outbox.addBytes(body)
    outbox.addBytes(Buffer.from('tail'))
    outbox.addChunk(body)
    outbox.addChunk(Buffer.alloc(0))
    outbox.addLastChunk('T: 1\r\n')
    outbox.flush()
    const text = `${body}`
    const all = `HEAD ${text}tail${size.toString(16)}\r\n${text}\r\n0\r\nT: 1\r\n\r\n`
    t.equal((await received(near, far)) === all, true)
    t.equal(outbox.bodyBytes, 2 * size + 4)
  })
}

t.test('an empty chunk is never written: it would end the body', async (t) => {
  const [near, far] = await socketPair(t)
  const outbox = new Outbox(near)
  outbox.addChunk(Buffer.alloc(0))
  outbox.flush()
  t.equal(await received(near, far), '')
})

t.test('what was cleared is not sent', async (t) => {
  const [near, far] = await socketPair(t)
  const outbox = new Outbox(near)
  outbox.addText('secret')
  outbox.clear()
  outbox.addText('plain')
  outbox.flush()
  t.equal(await received(near, far), 'plain')
})

t.test('a socket that asks to wait makes the outbox congested', async (t) => {
  const [near] = await socketPair(t)
  const outbox = new Outbox(near)
  outbox.addBytes(Buffer.alloc(10))
  t.equal(outbox.isCongested, false)
  outbox.addBytes(Buffer.alloc(8 << 20))
  t.equal(outbox.isCongested, true)
})
