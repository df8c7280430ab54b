// 5,000 slow clients beside normal traffic, against the program: `node test/soak/slow-clients.ts [count]`.
// Prints what normal requests took while it was quiet, beside each kind of slow client and afterwards, and what the proxy held.
// Exits 1 when normal traffic failed or descriptors did not come back.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { residentKib } from '../support/programs.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { okResponse, startScripted } from '../support/upstream.ts'

const count = Number(process.argv[2] ?? 5000)
const holdMs = 8000
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const part = Buffer.alloc(64 << 10, 'x')
// What the kernel takes for two connections, and more than that: the latter has to be held back by the proxy.
const bodies = { '/small': 256 << 10, '/big': 24 << 20 } as const

/** The upstream has a process of its own, so that only the proxy stands between slow clients and normal traffic. */
if (process.argv[2] === 'upstream') {
  const { port } = await startScripted({
    onRequest: ({ target }, side) => {
      if (target !== '/small' && target !== '/big') return okResponse
      const size = bodies[target]
      side.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      for (let sent = 0; sent < size; sent += part.length) side.send(part)
      return undefined
    },
  })
  console.log(port)
  await once(process, 'SIGTERM')
  process.exit()
}

const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'upstream'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
const upstream = { address: '127.0.0.1', port: Number(line) }
const folder = createManifestFolder([
  ingressOf('rules', [{ host: 'a.test', service: 'web' }]),
  ...serviceOf('web', [upstream]),
])
const proxy = await startProxyProcess({
  flags: ['--manifests', folder.path, '--access-log', 'off'],
})

interface Figures {
  readonly p50: number
  readonly p99: number
  readonly failed: number
}

/** Asks one after another, 200 a second, for as long as slow clients are held. */
async function normalTraffic(): Promise<Figures> {
  const client = await connectRaw(proxy.port)
  const times: number[] = []
  let failed = 0
  for (const end = performance.now() + holdMs; performance.now() < end; await delay(5)) {
    const begun = performance.now()
    const { status } = await client.request(get)
    times.push(performance.now() - begun)
    if (status !== 200) failed += 1
  }
  client.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0
  return { p50: at(0.5), p99: at(0.99), failed }
}

function report(name: string, { p50, p99, failed }: Figures): void {
  const descriptors = readdirSync(`/proc/${proxy.pid}/fd`).length
  const mib = Math.round(residentKib(proxy.pid) / 1024)
  console.log(
    `${name.padEnd(24)} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${failed} failed; proxy: ${mib} MiB, ${descriptors} descriptors`,
  )
}

/** Opens slow clients that send `first` and then `drip` once a second; `isReading` false leaves the answer unread. */
async function openSlow(
  total: number,
  first: string,
  drip: string,
  isReading: boolean,
): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  for (let opened = 0; opened < total; opened += 1) {
    const socket = net.connect(proxy.port, '127.0.0.1', () => socket.write(first, 'latin1'))
    socket.on('error', () => undefined)
    if (isReading) socket.resume()
    else socket.pause()
    sockets.push(socket)
    if (opened % 100 === 99) await delay(20)
  }
  if (drip !== '') {
    // A twentieth each 50 ms: drips come spread over the second, not in one burst.
    let turn = 0
    const timer = setInterval(() => {
      turn += 1
      for (let at = turn % 20; at < sockets.length; at += 20) {
        if (sockets[at]?.writable === true) sockets[at]?.write(drip)
      }
    }, 50)
    setTimeout(() => clearInterval(timer), holdMs)
  }
  return sockets
}

const quiet = await normalTraffic()
report('quiet', quiet)
const base = readdirSync(`/proc/${proxy.pid}/fd`).length
let failed = quiet.failed
const kinds = [
  [count, 'slow header senders', 'GET / HTTP/1.1\r\nHost: a.test\r\nX: ', 'x', true],
  [
    count,
    'slow body senders',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999\r\n\r\n',
    'x',
    true,
  ],
  [count, 'slow readers', get.replace('/', '/small'), '', false],
  // Each of these fills the kernel's buffers of two connections, some MiB: fewer do.
  [Math.ceil(count / 20), 'readers held back', get.replace('/', '/big'), '', false],
] as const
for (const [total, name, first, drip, isReading] of kinds) {
  const sockets = await openSlow(total, first, drip, isReading)
  const figures = await normalTraffic()
  report(`${total} ${name}`, figures)
  failed += figures.failed
  for (const socket of sockets) socket.destroy()
  await delay(3000)
}
const after = await normalTraffic()
report('afterwards', after)
const descriptors = readdirSync(`/proc/${proxy.pid}/fd`).length
// A few idle connections to the upstream come and go.
const isBack = descriptors <= base + 8
await proxy.stop()
child.kill()
folder.dispose()
process.exitCode = failed + after.failed === 0 && isBack ? 0 : 1
