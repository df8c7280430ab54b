// What do 16,000 Ingresses cost? Time from start to ready, memory, and how long one change takes to be served, with a folder
// of manifests and with a cluster. Run by hand: node test/soak/many-ingresses.ts [INGRESSES]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { createApiServer } from '../../shared/testing/api-server.ts'
import { metric } from '../support/ask.ts'
import { ingressOf, serviceOf } from '../support/manifests.ts'
import { residentKib } from '../support/programs.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw } from '../support/raw-client.ts'
import { type EchoUpstream, readEcho, startEcho } from '../support/upstream.ts'

const count = Number(process.argv[2] ?? 16_000)
const perFile = 1000
const perService = 16
const changes = 20

/** Two paths each; `perService` of them share a Service. */
function manyIngresses(): KubeObject[] {
  return Array.from({ length: count }, (_, i) => {
    const service = `s${Math.floor(i / perService)}`
    const host = `h${i}.test`
    return ingressOf(`i${i}`, [
      { host, service },
      { host, path: '/api/v1', service },
    ])
  })
}

function manyServices(): KubeObject[] {
  return Array.from({ length: Math.ceil(count / perService) }, (_, i) => {
    const [a, b] = [Math.floor(i / 250), i % 250]
    const endpoints = [1, 2, 3].map((c) => ({ address: `10.${a}.${b}.${c}`, port: 8080 }))
    return serviceOf(`s${i}`, endpoints)
  }).flat()
}

const probe = ingressOf('probe', [{ host: 'probe.test', service: 'probe' }])

function probeSlice(upstream: EchoUpstream): KubeObject {
  const slice = serviceOf('probe', [upstream])[1]
  return { ...slice, metadata: { ...slice?.metadata, name: 'probe' } }
}

interface Stage {
  readonly flags: readonly string[]
  change(upstream: EchoUpstream): void
  end(): Promise<void>
}

function fromFolder(first: EchoUpstream): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'weir-many-'))
  const write = (file: string, items: readonly KubeObject[]) =>
    writeFileSync(join(folder, file), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  const all = manyIngresses()
  for (let at = 0; at < all.length; at += perFile) {
    write(`ingresses-${at}.json`, all.slice(at, at + perFile))
  }
  write('services.json', manyServices())
  write('probe.json', [probe, serviceOf('probe', [])[0] ?? {}])
  const change = (upstream: EchoUpstream) => write('probe-slice.json', [probeSlice(upstream)])
  change(first)
  return {
    flags: ['--manifests', folder],
    change,
    end: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function fromCluster(first: EchoUpstream): Promise<Stage> {
  const api = await createApiServer()
  const folder = mkdtempSync(join(tmpdir(), 'weir-many-'))
  const service = serviceOf('probe', [])[0] ?? {}
  const objects = [...manyIngresses(), ...manyServices(), probe, service, probeSlice(first)]
  for (const object of objects) api.put(object)
  return {
    flags: ['--kubeconfig', await api.kubeconfigFile(folder)],
    change: (upstream) => void api.put(probeSlice(upstream)),
    async end() {
      await api.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** ms from each change to the first request on the new endpoint, ascending. */
async function timeChanges(
  proxy: ProxyProcess,
  change: (upstream: EchoUpstream) => void,
  upstreams: readonly EchoUpstream[],
): Promise<readonly number[]> {
  const client = await connectRaw(proxy.port)
  const took: number[] = []
  for (let i = 1; i <= changes; i += 1) {
    const next = upstreams[i % upstreams.length]
    if (next === undefined) break
    const startedAt = performance.now()
    change(next)
    for (let served = 0; served !== next.port; ) {
      const { body } = await client.request('GET / HTTP/1.1\r\nHost: probe.test\r\n\r\n')
      served = Number(readEcho(body).endpoint.split(':')[1])
    }
    took.push(performance.now() - startedAt)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  client.close()
  return took.sort((a, b) => a - b)
}

async function measure(name: string, stage: Stage, upstreams: readonly EchoUpstream[]) {
  const startedAt = performance.now()
  const proxy = await startProxyProcess({ flags: stage.flags, timeoutMs: 120_000 })
  const readyMs = performance.now() - startedAt
  const routes = await metric(proxy.adminPort, 'weir_routes')
  const rssMib = residentKib(proxy.pid) / 1024
  const took = await timeChanges(proxy, stage.change, upstreams)
  const later = residentKib(proxy.pid) / 1024
  const at = (share: number) => (took[Math.ceil(took.length * share) - 1] ?? 0).toFixed(1)
  console.log(
    `${name}: ${count} Ingresses, ${routes} routes; ready after ${(readyMs / 1000).toFixed(2)} s; ` +
      `${rssMib.toFixed(0)} MiB (${later.toFixed(0)} MiB after ${changes} changes); ` +
      `endpoint change to first request p50 ${at(0.5)} ms, max ${at(1)} ms`,
  )
  await proxy.stop()
}

const upstreams = await Promise.all([startEcho('one'), startEcho('two')])
const [first] = upstreams
for (const [name, create] of [
  ['manifests', fromFolder],
  ['cluster', fromCluster],
] as const) {
  const stage = await create(first)
  await measure(name, stage, upstreams)
  await stage.end()
}
await Promise.all(upstreams.map((upstream) => upstream.close()))
