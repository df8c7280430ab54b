// On what is a case played? A proxy that serves cases with the same options one after the other: before each, the objects of the
// case before are taken away, so that nothing of it is left.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ingress, KubeObject } from '../../shared/kube/objects.ts'
import { ask } from '../support/ask.ts'
import { createManifestFolder, type ManifestFolder } from '../support/manifests.ts'
import { makeFolder } from '../support/programs.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import type { StoreServer } from '../valkey/server.ts'
import { Backend } from './backend.ts'
import { type EskipCase, movedCase } from './case.ts'

// Every lane starts proxies: what Node compiled for the first serves the others, as in `npm test`.
const compiled = fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url))
const changeWithinMs = 5000
const markerHost = 'marker.test'
const markerPath = '/which-objects'

/** A case with what it is played on. */
export interface StagedCase {
  readonly case: EskipCase
  readonly port: number
  readonly backends: readonly Backend[]
}

/** A running proxy for cases one after the other. */
export class Stage {
  readonly #network: number
  readonly #folder: ManifestFolder
  readonly #proxy: ProxyProcess
  readonly #store: StoreServer | undefined
  #version = 0

  private constructor(
    network: number,
    folder: ManifestFolder,
    proxy: ProxyProcess,
    store: StoreServer | undefined,
  ) {
    this.#network = network
    this.#folder = folder
    this.#proxy = proxy
    this.#store = store
  }

  /** Starts a proxy with these options; its cases have their backends in the network 127.N. */
  static async start(
    options: readonly string[],
    network: number,
    store?: StoreServer,
  ): Promise<Stage> {
    const folder = createManifestFolder([markerOf(0)])
    try {
      const flags = ['--manifests', folder.path, ...options]
      const proxy = await startProxyProcess({ flags, env: { NODE_COMPILE_CACHE: compiled } })
      return new Stage(network, folder, proxy, store)
    } catch (error) {
      folder.dispose()
      throw error
    }
  }

  /** Sets a case up, plays it with `play`, and clears away what it left. */
  async with<T>(recorded: EskipCase, play: (staged: StagedCase) => Promise<T>): Promise<T> {
    const files = makeFolder('eskip-files', {})
    for (const [name, text] of Object.entries(recorded.files ?? {})) {
      mkdirSync(dirname(join(files, name)), { recursive: true })
      writeFileSync(join(files, name), text)
    }
    const played = movedCase(recorded, this.#network, files)
    const backends: Backend[] = []
    try {
      await this.#store?.client.flushall()
      for (const each of played.backends) backends.push(await Backend.start(each))
      await this.#write(played.objects)
      return await play({ case: played, port: this.#proxy.port, backends })
    } finally {
      await this.#write([])
      await Promise.all(backends.map((each) => each.close()))
      rmSync(files, { recursive: true, force: true })
    }
  }

  async close(): Promise<void> {
    await this.#proxy.stop()
    this.#folder.dispose()
  }

  /** Writes objects and waits until they are in use: a redirect to their version says so. */
  async #write(objects: readonly KubeObject[]): Promise<void> {
    this.#version += 1
    this.#folder.write('objects.json', [...objects, markerOf(this.#version)])
    const deadline = performance.now() + changeWithinMs
    for (;;) {
      const response = await ask(this.#proxy.port, { host: markerHost, path: markerPath })
      if (fieldsOf(response, 'location')[0] === targetOf(this.#version)) return
      if (performance.now() > deadline) {
        throw new Error(`the objects are not in use after ${changeWithinMs} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function targetOf(version: number): string {
  return `http://${markerHost}/${version}`
}

function markerOf(version: number): Ingress {
  const backend = { service: { name: 'nobody', port: { number: 80 } } }
  const paths = [{ path: markerPath, pathType: 'Exact', backend }]
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'marker',
      namespace: 'marker',
      annotations: { 'weir.dev/redirect-to': targetOf(version) },
    },
    spec: { ingressClassName: 'skipper', rules: [{ host: markerHost, http: { paths } }] },
  }
}
