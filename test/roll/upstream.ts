// What the proxies send to: answers after a moment, some after a second, counts uploads, echoes in tunnels. In a thread of its
// own: what keeps clients and load balancer busy must not keep it from accepting.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

const address = '127.0.0.1'

/** A running upstream on 127.0.0.1. */
export interface RollUpstream {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** Starts it on a free port. */
export async function startUpstream(): Promise<RollUpstream> {
  const worker = new Worker(new URL(import.meta.url))
  const [port] = await once(worker, 'message')
  return {
    address,
    port: Number(port),
    close: async () => {
      await worker.terminate()
    },
  }
}

async function serve(): Promise<void> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    void answer(request, response)
  })
  server.on('upgrade', (_request, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    stream.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    )
    stream.unshift(head)
    stream.pipe(stream)
  })
  server.listen({ port: 0, host: address, backlog: 4096 })
  await once(server, 'listening')
  // A listening TCP server has an AddressInfo; Node's type allows for pipes as well.
  const { port } = server.address() as AddressInfo
  parentPort?.postMessage(port)
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

if (!isMainThread) await serve()
