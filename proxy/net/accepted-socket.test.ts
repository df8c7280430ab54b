import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { type AcceptedSocket, takeConnections } from './accepted-socket.ts'

interface Reading {
  readonly accepted: AcceptedSocket
  readonly reads: Buffer[]
  readonly ended: Promise<void>
}

/** Accepts one connection; what is read is kept by reference while `isKept`, so that reuse of memory would show. */
async function acceptOne(
  isKept: boolean,
): Promise<{ client: Socket; reading: Promise<Reading>; close: () => void }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const reading = new Promise<Reading>((resolve) => {
    takeConnections(server, 131_072, (accepted) => {
      const reads: Buffer[] = []
      accepted.readBy({
        onRead: (bytes) => void reads.push(isKept ? bytes : Buffer.from(bytes)),
        isReadInUse: () => isKept,
        isAtRest: false,
      })
      const ended = new Promise<void>((done) => accepted.socket.on('end', done))
      resolve({ accepted, reads, ended })
    })
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { client: connect(port, '127.0.0.1'), reading, close: () => server.close() }
}

const cases = [
  { isKept: true, why: 'memory that is in use is not read into again' },
  { isKept: false, why: 'memory that is free is' },
]

for (const { isKept, why } of cases) {
  t.test(`all bytes arrive once and in order: ${why}`, async (t) => {
    const { client, reading, close } = await acceptOne(isKept)
    const sent = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 7919) >>> 5))
    client.end(sent)
    const { accepted, reads, ended } = await reading
    await ended
    t.ok(Buffer.concat(reads).equals(sent))
    const memories = new Set(reads.map(({ buffer }) => buffer))
    if (isKept) t.equal(memories.size, reads.length)
    accepted.socket.destroy()
    client.destroy()
    close()
  })
}

t.test('an accepted socket is a socket: half-open, with an address, and it pauses', async (t) => {
  const { client, reading, close } = await acceptOne(false)
  const { accepted, reads, ended } = await reading
  t.equal(accepted.socket.remoteAddress, '127.0.0.1')
  accepted.socket.pause()
  client.end('late')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(reads.length, 0, 'nothing is read while it is paused')
  accepted.socket.resume()
  await ended
  const answer = new Promise<string>((resolve) => client.once('data', (data) => resolve(`${data}`)))
  accepted.socket.write('answer')
  t.equal(await answer, 'answer', 'the other direction stays open')
  const closed = new Promise((resolve) => accepted.socket.on('close', resolve))
  accepted.socket.end()
  await closed
  client.destroy()
  close()
})

t.test('bytes that one reader leaves are the first of the next', async (t) => {
  const { client, reading, close } = await acceptOne(false)
  const { accepted } = await reading
  const seen: string[] = []
  accepted.unshift(Buffer.from('left over'))
  accepted.readBy({
    onRead: (bytes) => void seen.push(bytes.toString()),
    isReadInUse: () => false,
    isAtRest: true,
  })
  t.same(seen, ['left over'])
  accepted.socket.destroy()
  client.destroy()
  close()
})
