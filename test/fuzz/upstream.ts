// The upstream behind the fuzzed proxy: reads what comes with a strict parser of its own and notes all that is not HTTP.
import { once } from 'node:events'
import net from 'node:net'
import { listOf, type Message, valuesOf } from '../hostile/grammar.ts'
import { StrictReader } from '../hostile/strict.ts'
import { mutate } from './mutate.ts'
import { createRandom } from './random.ts'
import { responseSeeds } from './seeds.ts'

/** A listening upstream. */
export class FuzzUpstream {
  readonly #server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket))
  readonly #live = new Set<net.Socket>()
  port = 0
  /** Requests, whole or not, since the last `begin`; requests of `/plain-…` apart. */
  requests = 0
  /** What the proxy must never send. */
  problems: string[] = []

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.port = address.port
  }

  begin(): void {
    this.requests = 0
    this.problems = []
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#live) socket.destroy()
  }

  #accept(socket: net.Socket): void {
    const reader = new StrictReader('request')
    this.#live.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#live.delete(socket))
    reader.onHead = (message) => {
      if (!message.target.startsWith('/plain-')) this.requests += 1
      this.#judge(message)
      if (message.target === '/early') socket.write('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n')
      else if (listOf(message, 'expect').includes('100-continue')) {
        socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      }
      if (isUpgrade(message)) reader.becomeTunnel()
      if (isUpgrade(message)) socket.write(switching)
    }
    reader.onEnd = (message) => {
      if (message.target !== '/early' && !isUpgrade(message)) answer(socket, message)
    }
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes.toString('latin1'))
      if (reader.error === undefined) return
      this.problems.push(`upstream got what is no HTTP: ${reader.error}`)
      socket.destroy()
    })
  }

  /** What every request of the proxy must have, whatever its client sent. */
  #judge(message: Message): void {
    const hosts = valuesOf(message, 'host')
    const isOurs = hosts.length === 1 && /^a\.test\.?(?::\d*)?$/i.test(hosts[0] ?? '')
    if (!isOurs) this.problems.push(`upstream got a request for host ${hosts.join(' and ')}`)
    if (valuesOf(message, 'x-forwarded-for').join() !== '127.0.0.1') {
      this.problems.push('upstream got a forged X-Forwarded-For')
    }
    const names = message.fields.map(([name]) => name.toLowerCase())
    for (const name of ['keep-alive', 'proxy-connection', 'trailer', 'http2-settings']) {
      if (names.includes(name)) this.problems.push(`upstream got the hop-by-hop field ${name}`)
    }
    if (names.some((name) => /^(?:content_length|transfer_encoding|x_forwarded_for)$/.test(name))) {
      this.problems.push('upstream got a look-alike')
    }
  }
}

const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello'

function isUpgrade(message: Message): boolean {
  return listOf(message, 'upgrade').includes('websocket')
}

function answer(socket: net.Socket, message: Message): void {
  const scripted = /^\/r\/(\d+)$/.exec(message.target)
  const body = message.method === 'HEAD' ? '' : message.target
  const { length } = message.target
  if (scripted !== null) {
    const random = createRandom(Number(scripted[1]))
    socket.write(mutate(random.pick(responseSeeds), responseSeeds, random), 'latin1')
    // Whoever waits for more than the mutant has is told soon that there is none.
    setTimeout(() => socket.end(), 20)
  } else if (message.target === '/chunked') {
    const chunked = `${length.toString(16)}\r\n${body}\r\n0\r\nX-Sum: 1\r\n\r\n`
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    socket.write(text + (body === '' ? '' : chunked))
  } else if (message.target === '/close') {
    socket.end(`HTTP/1.1 200 OK\r\n\r\n${body}`)
  } else if (message.target === '/cut') {
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${body}`)
  } else {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`, 'latin1')
  }
}
