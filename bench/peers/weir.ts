// Weir itself, as users run it: manifests in a folder, all duties on.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeFolder, type Spawned, spawnProgram } from '../../test/support/programs.ts'
import { onCore } from '../pin.ts'
import { hostNames, type Lane, type Peer, type Setup, toLane } from './peer.ts'

const program = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url))

/** One EndpointSlice per port, as a change of one endpoint touches one slice. */
function slices(ports: readonly number[]): string {
  const items = ports.map((port) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `up-${port}`,
      namespace: 'bench',
      labels: { 'kubernetes.io/service-name': 'up' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  }))
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}

function manifests(setup: Setup): string {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'up', namespace: 'bench' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  }
  const backend = { service: { name: 'up', port: { number: 80 } } }
  const { pathsPerHost = 1, annotations = [] } = setup
  const paths = Array.from({ length: pathsPerHost }, (_, index) => ({
    path: index === 0 ? '/' : `/p${index}`,
    pathType: 'Prefix',
    backend,
  }))
  const ingresses = hostNames(setup).map((host, index) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: `i${index}`, namespace: 'bench', annotations: annotations[index] ?? {} },
    spec: {
      ingressClassName: 'weir',
      rules: [{ host, http: { paths } }],
      ...(setup.isSecure && { tls: [{ hosts: [host], secretName: 'tls' }] }),
    },
  }))
  const items = [service, ...ingresses, ...(setup.objects ?? [])]
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
}

/** Gives the data port once the log says `ready`. */
function readyPort(log: string, isSecure: boolean): number | undefined {
  const line = log.split('\n').find((text) => text.includes('"msg":"ready"'))
  const found = isSecure ? /"listenTls":"[^"]*:(\d+)"/ : /"listen":"[^"]*:(\d+)"/
  const port = found.exec(line ?? '')?.[1]
  return port === undefined ? undefined : Number(port)
}

async function waitForReady(spawned: Spawned, isSecure: boolean): Promise<number> {
  for (let waited = 0; waited < 60_000 && spawned.child.exitCode === null; waited += 5) {
    const port = readyPort(spawned.stderr.text, isSecure)
    if (port !== undefined) return port
    await delay(5)
  }
  const words = spawned.stderr.text.slice(-2000)
  await spawned.stop()
  throw new Error(`weir is not ready: ${words}`)
}

async function start(setup: Setup, accessLog: string, workers: number): Promise<Lane> {
  const folder = makeFolder('bench', {
    'routes.json': manifests(setup),
    'slice.json': slices([setup.upstreamPort]),
  })
  const flags = [
    ...['--manifests', folder, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    ...(setup.isSecure ? ['--listen-tls', '127.0.0.1:0'] : []),
    ...['--workers', String(workers), '--access-log', accessLog, ...(setup.flags ?? [])],
  ]
  const command = onCore(workers > 1 ? 'both' : 'proxy', [process.execPath, program, ...flags])
  const [name = '', ...args] = command
  const started = performance.now()
  const spawned = spawnProgram(name, args, folder)
  const port = await waitForReady(spawned, setup.isSecure === true)
  return {
    ...toLane(spawned, port, performance.now() - started),
    moveTo: (upstreamPorts) => {
      writeFileSync(path.join(folder, 'slice.json'), slices(upstreamPorts))
    },
  }
}

/** Makes a row for Weir with an access log and a number of workers. */
export function weir(name: string, accessLog: 'off' | 'json', workers = 1): Peer {
  return {
    name,
    missing: () => undefined,
    hasRoutes: true,
    start: (setup) => start(setup, accessLog, workers),
  }
}
