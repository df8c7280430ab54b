// The upstream of the browser's page: its parts, a large body, an upload, a WebSocket, and where the page says what it saw.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { largeBytes, look, type OtherHosts, type PageResult, partAt, writePage } from './page.ts'

/** A running site. */
export interface Site {
  readonly address: string
  readonly port: number
  /** Paths as they came, in order. */
  readonly asked: readonly string[]
  /** Sets what the page is written with. */
  setHosts(hosts: OtherHosts): void
  /** What the page saw. */
  readonly result: Promise<PageResult>
  close(): Promise<void>
}

const large = Buffer.alloc(largeBytes, 'large')

/** Starts the site on a free port of 127.0.0.1. */
export async function startSite(): Promise<Site> {
  const asked: string[] = []
  const { promise: result, resolve } = Promise.withResolvers<PageResult>()
  let hosts: OtherHosts = { shared: '', guarded: '' }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const answer = (type: string, body: string | Buffer) => {
      response.setHeader('Content-Type', type)
      response.setHeader('Cache-Control', 'no-store')
      // The page asks other hosts, too.
      response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*')
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      response.end(body)
    }
    let text = ''
    let length = 0
    request.on('data', (bytes: Buffer) => {
      length += bytes.length
      if (path === '/result') text += bytes.toString('utf8')
    })
    request.on('end', () => {
      const part = partAt(path)
      if (path === '/') answer('text/html', writePage(hosts))
      else if (path === '/look.js') answer('text/javascript', look)
      else if (path === '/large') answer('application/octet-stream', large)
      else if (path === '/upload') answer('text/plain', String(length))
      else if (path === '/result') {
        answer('text/plain', 'ok')
        resolve(JSON.parse(text))
      } else if (part !== undefined) answer(part.type, part.text)
      else response.writeHead(404).end()
    })
  })
  const sockets = new WebSocketServer({ server, path: '/echo' })
  sockets.on('connection', (socket) => {
    socket.on('message', (bytes) => socket.send(String(bytes)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    asked,
    setHosts(given) {
      hosts = given
    },
    result,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
