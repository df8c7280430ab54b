import { once } from 'node:events'
import { connect, createServer, type Http2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { resetStream } from './reset-stream.ts'

/** What one end sees of a stream that the other gives up: `whole` if it seems to end. */
function watch(stream: Http2Stream): Promise<string> {
  let isWhole = false
  stream.on('error', () => {})
  stream.on('end', () => {
    // A reset makes Node emit `end`, too, but then the stream is closed already.
    isWhole = !stream.closed
  })
  stream.resume()
  return new Promise((resolve) => {
    stream.on('close', () => resolve(`${isWhole ? 'whole' : 'cut'} ${stream.rstCode}`))
  })
}

for (const side of ['client', 'server'] as const) {
  t.test(`what a ${side} cancels never looks whole`, async (t) => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const near = session.request([':method', 'POST', ':path', '/'], { endStream: false })
    near.on('error', () => {})
    near.write('part')
    const [far] = await once(server, 'stream')
    far.on('error', () => {})
    far.respond([':status', '200'])
    far.write('part')
    await once(near, 'response')
    const seen = watch(side === 'client' ? far : near)
    resetStream(side === 'client' ? near : far, 8)
    t.equal(await seen, 'cut 8')
    session.destroy()
    server.close()
  })
}
