// Two proxies under load, and a roll-out of one of them: what a Prometheus sees of a small, lively installation.
import { setTimeout as delay } from 'node:timers/promises'
import { createManifestFolder } from '../support/manifests.ts'
import { freePort } from '../support/programs.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { startApplications } from './applications.ts'
import { burst, openTunnels, startLoad } from './load.ts'
import { objectsFor } from './objects.ts'

/** The measured proxies. */
export interface MeasuredProxies {
  /** Admin ports in order: the third is that of the proxy which replaces the first. */
  readonly adminPorts: readonly number[]
  /** Lets them work for so many seconds; the first is replaced when 60 % of that are over. */
  work(seconds: number): Promise<void>
  stop(): Promise<void>
}

const maxConnections = 48

/** Starts applications and the first two proxies. */
export async function startMeasuredProxies(
  random: () => number,
  drainSeconds: number,
): Promise<MeasuredProxies> {
  const applications = await startApplications(random)
  const manifests = createManifestFolder(objectsFor(applications, 0))
  const adminPorts = await Promise.all([freePort(), freePort(), freePort()])
  const running: ProxyProcess[] = []
  const flags = [
    `--manifests=${manifests.path}`,
    '--listen-tls=127.0.0.1:0',
    `--max-connections=${maxConnections}`,
    `--drain-seconds=${drainSeconds}`,
    '--response-timeout-ms=1000',
    '--finish-seconds=2',
    '--workers=2',
    '--metrics-like=ingress-nginx',
    '--pod-namespace=edge',
  ]
  async function start(place: number): Promise<ProxyProcess> {
    const admin = `--admin=127.0.0.1:${adminPorts[place] ?? 0}`
    const pod = `--pod-name=weir-${place + 1}`
    const proxy = await startProxyProcess({ flags: [...flags, admin, pod], timeoutMs: 60_000 })
    running.push(proxy)
    return proxy
  }
  const first = await start(0)
  const second = await start(1)
  const load = startLoad(random, (seconds) => 70 + 30 * Math.sin(seconds / 12))
  load.setPorts([first.port, second.port])

  let turn = 0
  const edits = setInterval(() => {
    turn += 1
    manifests.write('objects.json', objectsFor(applications, turn))
  }, 1500)

  return {
    adminPorts,
    async work(seconds) {
      await delay(seconds * 200)
      const tunnels = [
        ...(await openTunnels(first.port, 4)),
        ...(await openTunnels(second.port, 3)),
      ]
      await delay(seconds * 150)
      await burst(second.port, maxConnections + 16)
      await delay(seconds * 250)
      const third = await start(2)
      first.signal('SIGTERM')
      load.setPorts([second.port, third.port])
      await delay(seconds * 400)
      for (const tunnel of tunnels) tunnel.socket.destroy()
    },
    async stop() {
      clearInterval(edits)
      await load.stop()
      await Promise.all(running.map((proxy) => proxy.stop()))
      await applications.close()
      manifests.dispose()
    },
  }
}
