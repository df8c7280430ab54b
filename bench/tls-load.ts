// Opens one TLS connection after another, each with one small request: what does a handshake cost the server?
// Started by secure.ts with a JSON argument; prints one line of JSON.
import { connect, type TLSSocket } from 'node:tls'

interface Task {
  readonly port: number
  readonly host: string
  readonly connections: number
  readonly seconds: number
  /** Each connection but a lane's first resumes the one before it. */
  readonly resumes: boolean
}

const task: Task = JSON.parse(process.argv[2] ?? '{}')
const request = `GET / HTTP/1.1\r\nHost: ${task.host}\r\nConnection: close\r\n\r\n`
const started = performance.now()
const isOver = () => performance.now() - started > task.seconds * 1000
const times: number[] = []
let failures = 0
let resumed = 0

async function lane(): Promise<void> {
  let session: Buffer | undefined
  while (!isOver()) {
    const began = performance.now()
    const next = await once(session)
    if (next === undefined) failures += 1
    else times.push(performance.now() - began)
    if (task.resumes) session = next?.session ?? session
  }
}

/** One connection, to its end; undefined when it failed. Tickets of TLS 1.3 come behind the handshake. */
function once(session: Buffer | undefined): Promise<{ session: Buffer | undefined } | undefined> {
  return new Promise((resolve) => {
    let ticket: Buffer | undefined
    let hasAnswer = false
    const socket: TLSSocket = connect({
      ...{ host: '127.0.0.1', port: task.port, servername: task.host, rejectUnauthorized: false },
      ...(session === undefined ? {} : { session }),
    })
    socket.on('secureConnect', () => {
      if (socket.isSessionReused()) resumed += 1
      socket.write(request)
    })
    socket.on('session', (data) => {
      ticket = data
    })
    socket.on('data', (data: Buffer) => {
      hasAnswer ||= data.toString('latin1').startsWith('HTTP/1.1 200')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(hasAnswer ? { session: ticket } : undefined))
  })
}

await Promise.all(Array.from({ length: task.connections }, lane))
times.sort((a, b) => a - b)
const at = (share: number) => times[Math.floor(times.length * share)] ?? 0
console.log(
  `JSON ${JSON.stringify({
    ...{
      requests: times.length,
      bytes: 0,
      seconds: (performance.now() - started) / 1000,
      failures,
    },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), resumed },
  })}`,
)
