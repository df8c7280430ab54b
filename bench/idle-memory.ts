// What does an idle connection hold of memory? `node bench/idle-memory.ts [count]` opens 10,000 of each kind against the program with one
// worker, each after one request, and prints KiB resident per connection. Exits 1 above a bar.
//
// The clients have a process of their own, and speak HTTP/2 in bytes: only the proxy's memory counts.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { KubeObject } from '../shared/kube/objects.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../test/support/manifests.ts'
import { residentKib } from '../test/support/programs.ts'
import { startProxyProcess } from '../test/support/proxy-process.ts'
import { tlsEntries, tlsSecret } from '../test/support/tls.ts'
import { startScripted } from '../test/support/upstream.ts'

/** What is opened; `barKib` per connection. */
interface Kind {
  readonly name: string
  readonly isSecure: boolean
  readonly protocol: 'http/1.1' | 'h2'
  readonly barKib?: number
}

const kinds: readonly Kind[] = [
  { name: 'plain HTTP/1.1', isSecure: false, protocol: 'http/1.1' },
  { name: 'HTTP/1.1 over TLS', isSecure: true, protocol: 'http/1.1', barKib: 35 },
  { name: 'HTTP/2 in clear', isSecure: false, protocol: 'h2', barKib: 40 },
  { name: 'HTTP/2 over TLS', isSecure: true, protocol: 'h2' },
]

/** Opened before the first look: what is made once is made then. */
const warmCount = 500
const atATime = 50

interface Task {
  readonly port: number
  readonly kind: Kind
  readonly count: number
}

const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
// RFC 7541: GET, a scheme, the path `/`, and `:authority: a.test`, all but the last from the static table.
const fields = (isSecure: boolean) =>
  Buffer.concat([Buffer.from([0x82, isSecure ? 0x87 : 0x86, 0x84, 0x41, 6]), Buffer.from('a.test')])
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const settingsType = 4
const dataType = 0
const acknowledge = 1

function requestOf({ protocol, isSecure }: Kind): Buffer {
  if (protocol === 'http/1.1') return Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  const settings = frame(settingsType, 0, 0, Buffer.alloc(0))
  return Buffer.concat([preface, settings, frame(1, 5, 1, fields(isSecure))])
}

/** Connects and asks once; the connection stays open. */
async function open({ port, kind }: Task): Promise<Socket> {
  const options = { port, host: '127.0.0.1' }
  const socket = kind.isSecure
    ? connectTls({
        ...{ ...options, servername: 'a.test', rejectUnauthorized: false },
        ALPNProtocols: [kind.protocol],
      })
    : connect(options)
  await once(socket, kind.isSecure ? 'secureConnect' : 'connect')
  socket.write(requestOf(kind))
  await new Promise<void>((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      if (kind.protocol === 'http/1.1') {
        if (bytes.includes('\r\n\r\nok')) resolve()
        return
      }
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const [type, flags] = [bytes.readUInt8(3), bytes.readUInt8(4)]
        bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3))
        if (type === settingsType && (flags & acknowledge) === 0) {
          socket.write(frame(settingsType, acknowledge, 0, Buffer.alloc(0)))
        }
        if (type === dataType && (flags & 1) === 1) resolve()
      }
    })
  })
  socket.removeAllListeners('close')
  return socket
}

if (process.send !== undefined) {
  process.on('message', async (task: Task) => {
    const lane = async () => {
      for (let at = 0; at < task.count / atATime; at += 1) await open(task)
    }
    await Promise.all(Array.from({ length: atATime }, lane))
    process.send?.('open')
  })
  await once(process, 'disconnect')
  process.exit()
}

/** Runs one kind against a proxy of its own; KiB per connection, and those of the proxy with all of them. */
async function measure(kind: Kind, count: number): Promise<{ each: number; all: number }> {
  const upstream = await startScripted()
  const ingress = ingressOf('rules', [{ host: 'a.test', service: 'web' }])
  const tls = [{ hosts: ['a.test'], secretName: 'a' }]
  const folder = createManifestFolder([
    { ...ingress, spec: { ...ingress.spec, tls } } as KubeObject,
    tlsSecret('a', tlsEntries('a-ecdsa')) as KubeObject,
    ...serviceOf('web', [upstream]),
  ])
  const long = ['--keep-alive-timeout-ms', '600000', '--access-log', 'off']
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--listen-tls', '127.0.0.1:0', '--h2c', ...long],
  })
  const clients = fork(fileURLToPath(import.meta.url))
  const port = kind.isSecure ? proxy.tlsPort : proxy.port
  const openMore = async (more: number) => {
    clients.send({ port, kind, count: more })
    await once(clients, 'message')
    // Garbage of handshakes and requests goes in the meantime, as far as it goes.
    await delay(4000)
    return residentKib(proxy.pid)
  }
  try {
    const before = await openMore(warmCount)
    const all = await openMore(count)
    return { each: (all - before) / count, all }
  } finally {
    clients.disconnect()
    await proxy.stop()
    await upstream.close()
    folder.dispose()
  }
}

const count = Number(process.argv[2] ?? 10_000)
for (const kind of kinds) {
  const { each, all } = await measure(kind, count)
  const { barKib = Number.POSITIVE_INFINITY } = kind
  const bar = kind.barKib === undefined ? '' : `, bar ${barKib}`
  const shown = `${each.toFixed(1)} KiB each${bar}; the proxy ${Math.round(all / 1024)} MiB`
  console.log(`${kind.name.padEnd(18)} ${count} idle: ${shown}`)
  if (each > barKib) process.exitCode = 1
}
