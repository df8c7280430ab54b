// Evenly paced keep-alive requests with exact accounting: each request ends as one answer or one failure.
// Latency counts from the moment a request was due, so that a stalled proxy cannot hide its queue.
// Usage: node bench/paced-load.ts '{"port":…,"host":…,"path":…,"connections":…,"seconds":…,"rate":…}'
import net from 'node:net'

interface Paced {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly connections: number
  readonly seconds: number
  readonly rate: number
}

const options: Paced = JSON.parse(process.argv[2] ?? '{}')
const request = `GET ${options.path} HTTP/1.1\r\nHost: ${options.host}\r\n\r\n`
const latencies: number[] = []
const waiting: number[] = []
const idle: net.Socket[] = []
let failures = 0
let bytes = 0
let isOver = false

function open(): void {
  const socket = net.connect({ port: options.port, host: '127.0.0.1', noDelay: true })
  let dueAt = 0
  let received = ''
  const send = () => {
    const next = waiting.shift()
    if (next === undefined) {
      dueAt = 0
      idle.push(socket)
      return
    }
    dueAt = next
    received = ''
    socket.write(request)
  }
  socket.on('connect', send)
  socket.on('resume-send', send)
  socket.on('data', (chunk) => {
    bytes += chunk.length
    received += chunk.toString('latin1')
    const end = received.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = Number(/content-length: *(\d+)/i.exec(received.slice(0, end))?.[1] ?? 0)
    const isChunked = /transfer-encoding: *chunked/i.test(received.slice(0, end))
    if (isChunked ? !received.endsWith('0\r\n\r\n') : received.length < end + 4 + length) return
    if (received.startsWith('HTTP/1.1 200')) latencies.push(performance.now() - dueAt)
    else failures++
    dueAt = 0
    if (/^connection: *close/im.test(received.slice(0, end))) {
      socket.destroy()
      return
    }
    send()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (dueAt !== 0 && !isOver) failures++
    const at = idle.indexOf(socket)
    if (at !== -1) idle.splice(at, 1)
    if (!isOver) setTimeout(open, 5)
  })
}

for (let count = 0; count < options.connections; count++) open()
const start = performance.now() + 100
let sent = 0
const timer = setInterval(() => {
  const now = performance.now()
  const due = Math.min(
    Math.floor(((now - start) / 1000) * options.rate),
    options.rate * options.seconds,
  )
  for (; sent < due; sent++) {
    waiting.push(start + (sent / options.rate) * 1000)
    idle.pop()?.emit('resume-send')
  }
  if (now < start + options.seconds * 1000 + 500) return
  clearInterval(timer)
  isOver = true
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const result = {
    requests: latencies.length,
    bytes,
    seconds: options.seconds,
    failures: failures + (sent - latencies.length - failures),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
  }
  process.stdout.write(`JSON ${JSON.stringify(result)}\n`, () => process.exit(0))
}, 1)
