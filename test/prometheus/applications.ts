// The applications behind the measured proxies: each host answers in its own time and its own way.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/programs.ts'

/** Running applications: all hosts are on both ports, nobody is on the third. */
export interface Applications {
  readonly port: number
  readonly sparePort: number
  readonly deadPort: number
  close(): Promise<void>
}

const page = Buffer.alloc(2048, 'x')

/** Starts them; `random` in [0, 1) decides how long answers take and which ones fail. */
export async function startApplications(random: () => number): Promise<Applications> {
  const servers = [0, 1].map(() => {
    const server = createServer((request, response) => void answer(request, response, random))
    server.on('upgrade', (_request, socket) => {
      socket.on('error', () => socket.destroy())
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      )
      socket.pipe(socket)
    })
    return server
  })
  const [port = 0, sparePort = 0] = await Promise.all(servers.map(listen))
  return {
    port,
    sparePort,
    deadPort: await freePort(),
    async close() {
      await Promise.all(
        servers.map(async (server) => {
          server.close()
          server.closeAllConnections()
          await once(server, 'close')
        }),
      )
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  random: () => number,
): Promise<void> {
  const host = request.headers.host ?? ''
  if (host.startsWith('reset')) {
    request.socket.destroy()
    return
  }
  if (host.startsWith('search')) {
    // Now and then too slow for --response-timeout-ms.
    await delay(random() < 0.04 ? 1500 : 40 + random() * 160)
  } else if (host.startsWith('shop')) await delay(2 + random() * 25)
  const isFault = host.startsWith('cart') && random() < 0.06
  response.writeHead(isFault ? 500 : 200, { 'content-length': page.length }).end(page)
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  return typeof at === 'object' && at !== null ? at.port : 0
}
