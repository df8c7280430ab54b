import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { resetSocket } from './reset-socket.ts'

const rows = [
  { before: () => undefined, isReset: true, why: 'an open connection is reset' },
  {
    before: (socket: Socket) => void socket.write('some'),
    isReset: true,
    why: 'with bytes on their way, too',
  },
  {
    before: (socket: Socket) => void socket.end(),
    isReset: false,
    why: 'an end that is under way cannot become a reset',
  },
  {
    before: (socket: Socket) => void socket.end(Buffer.alloc(64 << 20)),
    isReset: false,
    why: 'nor one behind more than the peer takes',
  },
  {
    before: (socket: Socket) => void socket.destroy(),
    isReset: false,
    why: 'it is closed already',
  },
]

for (const { before, isReset, why } of rows) {
  t.test(`the connection closes: ${why}`, async (t) => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const [socket]: Socket[] = await once(server, 'connection')
    if (socket === undefined) throw new Error('no connection')
    const errors: string[] = []
    socket.on('error', ({ message }) => errors.push(message))
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    const peerError = once(peer, 'error').catch(() => undefined)
    before(socket)
    resetSocket(socket)
    await closed
    t.same(errors, [])
    if (isReset) t.match(await peerError, [{ code: 'ECONNRESET' }])
    peer.destroy()
    server.close()
    await once(server, 'close')
  })
}
