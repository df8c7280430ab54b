// What the proxies send to: answers after a moment, some after a second, counts uploads, echoes in tunnels.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

/** A running upstream on 127.0.0.1. */
export interface RollUpstream {
  readonly address: string
  readonly port: number
  close(): void
}

/** Starts it on a free port. */
export async function startUpstream(): Promise<RollUpstream> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    void answer(request, response)
  })
  const tunnels = new Set<Duplex>()
  server.on('upgrade', (_request, stream: Duplex, head: Buffer) => {
    tunnels.add(stream)
    stream.on('error', () => stream.destroy())
    stream.on('close', () => tunnels.delete(stream))
    stream.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    )
    stream.unshift(head)
    stream.pipe(stream)
  })
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve)
  })
  // A listening TCP server has an AddressInfo; Node's type allows for pipes as well.
  const { port } = server.address() as AddressInfo
  return {
    address: '127.0.0.1',
    port,
    close() {
      server.close()
      server.closeAllConnections()
      for (const stream of tunnels) stream.destroy()
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of request) bytes += chunk.length
  } catch {
    // The proxy cut the request: its client counts that.
    return
  }
  await pause(request.url === '/slow' ? 1_000 : 2)
  response.end(String(bytes))
}
