// Which folder of manifests fits the upstreams that run? The one of the repository, or a copy with the ports in use.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DemoUpstream } from './upstreams.ts'

/** A folder that the proxy reads. */
export interface DemoManifests {
  readonly folder: string
  /** Removes the folder if it is a copy. */
  remove(): Promise<void>
}

/** Gives `folder` itself when every upstream has its port, else a copy of it with the ports in use. */
export async function prepareManifests(
  folder: string,
  upstreams: readonly DemoUpstream[],
): Promise<DemoManifests> {
  if (upstreams.every(({ port, wantedPort }) => port === wantedPort)) {
    return { folder, remove: () => Promise.resolve() }
  }
  const copy = await mkdtemp(join(tmpdir(), 'weir-demo-'))
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'))
  await Promise.all(
    files.map(async (file) => {
      const manifest = await readFile(join(folder, file), 'utf8')
      await writeFile(join(copy, file), withPorts(manifest, upstreams))
    }),
  )
  return { folder: copy, remove: () => rm(copy, { recursive: true, force: true }) }
}

function withPorts(manifest: string, upstreams: readonly DemoUpstream[]): string {
  const ports = new Map(upstreams.map(({ wantedPort, port }) => [String(wantedPort), port]))
  return manifest.replace(/(?<=^ *port: )\d+$/gm, (port) => String(ports.get(port) ?? port))
}
