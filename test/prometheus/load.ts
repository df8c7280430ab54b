// A small bounded load: requests at a steady pace to whichever proxies are in service, some tunnels, a burst of connections.
import { Agent, request } from 'node:http'
import net from 'node:net'
import { openTunnel, type TunnelPeer } from '../support/tunnels.ts'
import { hosts } from './objects.ts'

const beatMs = 20
const mostInFlight = 64
// Out of 100 requests; the rest goes to `front`.
const shares: readonly (readonly [host: string, share: number])[] = [
  [hosts.cart, 20],
  [hosts.search, 12],
  [hosts.flaky, 6],
  [hosts.chat, 6],
  [hosts.private, 1],
  ['nobody.test', 2],
]
const incident: typeof shares = [
  ...shares,
  [hosts.gone, 2],
  [hosts.reset, 2],
  [hosts.empty, 3],
  [hosts.closed, 1],
]

/** Some things go wrong for a while, again and again. */
function sharesAt(seconds: number): typeof shares {
  return seconds % 60 > 6 && seconds % 60 < 20 ? incident : shares
}

/** A running load. */
export interface Load {
  /** Sends from now on to these data ports. */
  setPorts(ports: readonly number[]): void
  stop(): Promise<void>
}

/** Starts to send; `pace` gives the requests per second of each moment, by the seconds since the start. */
export function startLoad(random: () => number, pace: (seconds: number) => number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const startMs = performance.now()
  let ports: readonly number[] = []
  let owed = 0
  let inFlight = 0

  function send(seconds: number): void {
    const port = ports[Math.floor(random() * ports.length)]
    if (port === undefined || inFlight >= mostInFlight) return
    inFlight += 1
    const method = random() < 0.1 ? 'POST' : 'GET'
    const sent = request({
      agent,
      port,
      host: '127.0.0.1',
      method,
      headers: { host: pick(random(), sharesAt(seconds)) },
    })
    sent.on('response', (response) => response.resume())
    sent.on('error', () => undefined)
    sent.on('close', () => {
      inFlight -= 1
    })
    sent.end(method === 'POST' ? 'body' : undefined)
  }

  const timer = setInterval(() => {
    const seconds = (performance.now() - startMs) / 1000
    owed += (pace(seconds) * beatMs) / 1000
    for (; owed >= 1; owed -= 1) send(seconds)
  }, beatMs)
  return {
    setPorts(next) {
      ports = next
    },
    async stop() {
      clearInterval(timer)
      agent.destroy()
    },
  }
}

function pick(chance: number, from: typeof shares): string {
  let left = chance * 100
  for (const [host, share] of from) {
    left -= share
    if (left < 0) return host
  }
  return hosts.front
}

/** Opens tunnels and keeps them; who opened them closes them. */
export function openTunnels(port: number, count: number): Promise<TunnelPeer[]> {
  const upgrade = `GET / HTTP/1.1\r\nHost: ${hosts.chat}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
  return Promise.all(Array.from({ length: count }, () => openTunnel(port, upgrade)))
}

/** Opens so many connections at once, and closes them when each is accepted or turned away. */
export async function burst(port: number, count: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'))
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve) => {
          socket.on('error', resolve).on('data', resolve)
          setTimeout(resolve, 1500)
        }),
    ),
  )
  for (const socket of sockets) socket.destroy()
}
