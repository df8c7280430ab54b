// 10,000 idle tunnels, and byte-exact random traffic through 100 more while routes change 100 times, against
// the program: `node test/soak/tunnels.ts [idle] [active]`. Prints figures; exits 1 when a byte was wrong or a tunnel broke.
// The proxy needs two descriptors per tunnel: `ulimit -n` above 20,300 for the whole number.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { residentKib } from '../support/programs.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { cutOddly, seededBytes, seededRandom } from '../support/random-bytes.ts'
import { openTunnel, startSwitching, type TunnelPeer, upgradeRequest } from '../support/tunnels.ts'

const idleCount = Number(process.argv[2] ?? 10_000)
const activeCount = Number(process.argv[3] ?? 100)
const changes = 100
const bytesEach = 1 << 20
const atOnce = 50

/** The upstream has a process of its own, so that its descriptors are its own, too. */
if (process.argv[2] === 'upstream') {
  const { port } = await startSwitching((peer) => {
    // An echo, with the back-pressure of pipe.
    peer.socket.pipe(peer.socket)
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
const rules = (round: number) => [
  ingressOf('rules', [{ host: 'a.test', service: 'web' }]),
  ingressOf(`round-${round}`, [{ host: `r${round}.test`, service: 'web' }]),
  ...serviceOf('web', [upstream]),
]
const folder = createManifestFolder(rules(0))
const proxy = await startProxyProcess({
  flags: ['--manifests', folder.path, '--access-log', 'off'],
})
const mib = () => Math.round(residentKib(proxy.pid) / 1024)
const baseKib = residentKib(proxy.pid)
console.log(`start: proxy ${mib()} MiB`)

const idle: TunnelPeer[] = []
const begun = performance.now()
while (idle.length < idleCount) {
  const size = Math.min(atOnce, idleCount - idle.length)
  idle.push(...(await Promise.all(Array.from({ length: size }, () => openTunnel(proxy.port)))))
}
for (const peer of idle) peer.collect()
const openMs = performance.now() - begun
const kibEach = (residentKib(proxy.pid) - baseKib) / Math.max(1, idleCount)
console.log(
  `${idleCount} idle tunnels: opened in ${Math.round(openMs)} ms, proxy ${mib()} MiB, ${kibEach.toFixed(1)} KiB each`,
)

let wrong = 0
let changed = 0
let isDone = false
const changing = (async () => {
  for (; changed < changes && !isDone; changed += 1) {
    folder.write('objects.json', rules(changed + 1))
    await delay(50)
  }
})()
const trafficBegun = performance.now()
await Promise.all(
  Array.from({ length: activeCount }, async (_, index) => {
    const random = seededRandom(index + 1)
    const bytes = seededBytes(random, bytesEach)
    const hash = createHash('sha256')
    const peer = await openTunnel(proxy.port, upgradeRequest)
    let received = 0
    const ended = new Promise<void>((resolve) => {
      peer.socket.on('data', (part: Buffer) => {
        received += part.length
        hash.update(part)
      })
      peer.socket.on('end', resolve)
      peer.socket.on('close', () => resolve())
    })
    peer.socket.resume()
    for (const part of cutOddly(random, bytes)) {
      await peer.sendAll([part])
      if (random() < 0.05) await delay(random() * 200)
    }
    peer.socket.end()
    await ended
    const isSame = hash.digest('hex') === createHash('sha256').update(bytes).digest('hex')
    if (received !== bytesEach || !isSame) wrong += 1
  }),
)
const trafficMs = performance.now() - trafficBegun
await changing
isDone = true
const broken = idle.filter(({ isOver }) => isOver).length
console.log(
  `${activeCount} tunnels × ${bytesEach >> 10} KiB both ways in ${Math.round(trafficMs)} ms beside ${changed} route changes: ${wrong} wrong, ${broken} idle tunnels broken, proxy ${mib()} MiB`,
)
for (const peer of idle) peer.socket.end()
await delay(3000)
console.log(`all closed: proxy ${mib()} MiB`)
await proxy.stop()
child.kill()
folder.dispose()
process.exitCode = wrong + broken === 0 ? 0 : 1
