// 5,000 half-open TLS handshakes of each kind beside normal traffic, against the program: `node test/soak/half-open-handshakes.ts [count]`.
// Prints what normal requests and handshakes took while it was quiet, beside each flood and afterwards, what the proxy held, and how
// the handshakes of the flood ended. Exits 1 when normal traffic failed, memory grew beyond its bound, or descriptors did not come back.
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { metric } from '../support/ask.ts'
import { halfOpen, halfOpenKinds } from '../support/half-open.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { residentKib } from '../support/programs.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { askTls, ca, tlsEntries, tlsSecret } from '../support/tls.ts'
import { startScripted } from '../support/upstream.ts'

const count = Number(process.argv[2] ?? 5000)
const holdMs = 8000
/** `--tls-max-handshakes`, as it is by default, and what one under way may hold of memory, with what was read and made for it. */
const maxHandshakes = 2000
const kibEach = 128
const reasons = ['crowded-out', 'timeout', 'client-closed'] as const
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'

const upstream = await startScripted()
const ingress = ingressOf('rules', [{ host: 'a.test', service: 'web' }])
const folder = createManifestFolder([
  {
    ...ingress,
    spec: { ...ingress.spec, tls: [{ hosts: ['a.test'], secretName: 'a' }] },
  } as KubeObject,
  tlsSecret('a', tlsEntries('a-ecdsa')) as KubeObject,
  ...serviceOf('web', [upstream]),
])
const proxy = await startProxyProcess({
  flags: ['--manifests', folder.path, '--access-log', 'off', '--listen-tls', '127.0.0.1:0'],
})

interface Figures {
  readonly requests: readonly number[]
  readonly handshakes: readonly number[]
  readonly failed: number
}

/** For as long as a flood is held: 200 requests a second on one connection, and 20 connections a second with one request each. */
async function normalTraffic(): Promise<Figures> {
  const options = { port: proxy.tlsPort, host: '127.0.0.1', servername: 'a.test', ca }
  const client = new RawClient(connect(options))
  const requests: number[] = []
  const handshakes: number[] = []
  const pending: Promise<void>[] = []
  let failed = 0
  const handshake = async () => {
    const begun = performance.now()
    const { text } = await askTls(proxy.tlsPort, { servername: 'a.test' })
    handshakes.push(performance.now() - begun)
    if (!text.startsWith('HTTP/1.1 200 ')) failed += 1
  }
  const end = performance.now() + holdMs
  for (let sent = 0; performance.now() < end; sent += 1) {
    if (sent % 10 === 0) pending.push(handshake())
    const begun = performance.now()
    const { status } = await client.request(get)
    requests.push(performance.now() - begun)
    if (status !== 200) failed += 1
    await delay(5)
  }
  await Promise.all(pending)
  client.close()
  return { requests, handshakes, failed }
}

function shares(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`
}

const descriptorsNow = () => readdirSync(`/proc/${proxy.pid}/fd`).length

async function ends(): Promise<Record<(typeof reasons)[number], number>> {
  const name = 'weir_tls_handshake_failures_total'
  const of = async (reason: string) => (await metric(proxy.adminPort, name, { reason })) ?? 0
  const [crowded = 0, timeout = 0, closed = 0] = await Promise.all(reasons.map(of))
  return { 'crowded-out': crowded, timeout, 'client-closed': closed }
}

function report(name: string, { requests, handshakes, failed }: Figures): number {
  const mib = residentKib(proxy.pid) / 1024
  const normal = `requests ${shares(requests)}; handshakes ${shares(handshakes)}; ${failed} failed`
  const holds = `proxy: ${Math.round(mib)} MiB, ${descriptorsNow()} descriptors`
  console.log(`${name.padEnd(26)} ${normal}; ${holds}`)
  return mib
}

async function openFlood(bytes: Buffer): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let opened = 0; opened < count; opened += 1) {
    sockets.push(halfOpen(proxy.tlsPort, bytes))
    if (opened % 100 === 99) await delay(20)
  }
  return sockets
}

await normalTraffic()
const quiet = await normalTraffic()
const quietMib = report('quiet', quiet)
const base = descriptorsNow()
const bound = quietMib + (maxHandshakes * kibEach) / 1024
let failed = quiet.failed
let highest = 0
const kinds = [...(await halfOpenKinds())]
// The costliest again and again: memory that each flood would leave behind adds up.
const last = kinds.at(-1)
if (last !== undefined) kinds.push(last, last)
for (const [name, bytes] of kinds) {
  const before = await ends()
  const traffic = normalTraffic()
  const sockets = await openFlood(bytes)
  const figures = await traffic
  highest = Math.max(highest, report(`${count} ${name}`, figures))
  failed += figures.failed
  for (const socket of sockets) socket.destroy()
  await delay(1500)
  const after = await ends()
  console.log(
    `  ended: ${reasons.map((reason) => `${reason} ${after[reason] - before[reason]}`).join(', ')}`,
  )
}
await delay(1500)
const after = await normalTraffic()
report('afterwards', after)
failed += after.failed
// A few idle connections to the upstream come and go.
const isBack = descriptorsNow() <= base + 8
const isBounded = highest <= bound
console.log(
  `memory at most ${Math.round(highest)} MiB, bound ${Math.round(bound)} MiB; descriptors ${isBack ? 'are back' : 'are left'}`,
)
await proxy.stop()
await upstream.close()
folder.dispose()
process.exitCode = failed === 0 && isBack && isBounded ? 0 : 1
