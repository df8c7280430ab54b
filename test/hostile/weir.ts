// Weir as a target: the cases' routes as manifests in a folder, the proxy as its own process, one worker.

import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import {
  makeFolder,
  type RunningProxy,
  running,
  type Spawned,
  spawnProgram,
} from '../support/programs.ts'
import { proxyMain } from '../support/proxy-main.ts'
import type { Service } from './recorder.ts'
import { fixtureRoutes, type Target, type Timeouts } from './target.ts'

/** Writes the fixture as Kubernetes objects. */
export function fixtureManifests(upstreams: ReadonlyMap<Service, number>): string {
  const hosts = [...new Set(fixtureRoutes.map((route) => route.host))]
  const ingresses = hosts.map((host) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: host.replaceAll('.', '-'), namespace: 'default' },
    spec: {
      ingressClassName: 'weir',
      rules: [
        {
          host,
          http: {
            paths: fixtureRoutes
              .filter((route) => route.host === host)
              .map((route) => ({
                path: route.path,
                pathType: 'Prefix',
                backend: { service: { name: route.service, port: { number: 80 } } },
              })),
          },
        },
      ],
    },
  }))
  const serviceObjects = [...upstreams].flatMap(([service, port]) => [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: service, namespace: 'default' },
      spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${service}-1`,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': service },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port, protocol: 'TCP' }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
  ])
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [...ingresses, ...serviceObjects],
  })
}

/** Waits for the line of the log that says `ready` and names the data port. */
export async function announcedPort(spawned: Spawned): Promise<number> {
  for (let tries = 0; tries < 2400; tries++) {
    const port = dataPort(spawned.stderr.text)
    if (port !== undefined) return port
    if (spawned.child.exitCode !== null) break
    await delay(25)
  }
  const words = spawned.stderr.text.slice(-2000)
  await spawned.stop()
  throw new Error(`the proxy names no data port: ${words}`)
}

/** Finds the data port in structured log lines. */
export function dataPort(log: string): number | undefined {
  for (const line of log.split('\n')) {
    if (!line.startsWith('{') || !line.includes('"msg":"ready"')) continue
    const listening = /"listen":"[^"]*:(\d+)"/.exec(line)
    if (listening !== null && listening[1] !== '0') return Number(listening[1])
  }
  return undefined
}

async function start(
  upstreams: ReadonlyMap<Service, number>,
  timeouts: Timeouts,
  more: readonly string[] = [],
): Promise<RunningProxy> {
  const folder = makeFolder('hostile', { 'fixture.json': fixtureManifests(upstreams) })
  const flags = [
    ...['--manifests', folder, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    ...['--workers', '1', '--access-log', 'off'],
    ...['--header-timeout-ms', String(timeouts.headerMs)],
    ...['--body-idle-timeout-ms', String(timeouts.bodyIdleMs)],
    ...['--response-timeout-ms', String(timeouts.responseMs)],
    ...['--keep-alive-timeout-ms', String(timeouts.keepAliveMs)],
    ...['--write-timeout-ms', String(timeouts.writeStallMs)],
    ...more,
  ]
  const spawned = spawnProgram(process.execPath, [proxyMain, ...flags], folder)
  const port = await announcedPort(spawned)
  const target = running(spawned, port)
  return {
    ...target,
    stop: async () => {
      if (target.alive()) {
        // Asked to end, so that a profile or a coverage report is written; then made to.
        const gone = once(spawned.child, 'exit')
        spawned.child.kill('SIGINT')
        await Promise.race([gone, delay(1500)])
      }
      await spawned.stop()
    },
  }
}

/** Weir itself. */
export const weir: Target = { name: 'weir', missing: () => undefined, start }

/** The same with HTTP/2 in clear. */
export const weirHttp2: Target = {
  ...weir,
  start: (upstreams, timeouts) => start(upstreams, timeouts, ['--h2c']),
}
