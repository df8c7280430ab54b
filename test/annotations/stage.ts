// On what are cases played? One proxy for a group of cases that need the same flags and configuration, with the objects of all
// of them in one manifest folder, a file each.
import { fileURLToPath } from 'node:url'
import { createManifestFolder, type ManifestFolder } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { Backends } from './backends.ts'
import type { AnnotationCase } from './case.ts'
import type { Certificates } from './certificates.ts'
import { flagsOf } from './flags.ts'
import { CaseObjects, nginxClass } from './objects.ts'

// Some sixty proxies are started: what Node compiled for the first serves the others, as in `npm test`.
const compiled = fileURLToPath(new URL('../../node_modules/.cache/compile', import.meta.url))

/** A case with what it is played on. */
export interface StagedCase {
  readonly case: AnnotationCase
  readonly objects: CaseObjects
  readonly backends: Backends
  readonly certificates: Certificates
}

/** A running proxy and the cases on it. */
export interface Stage {
  readonly proxy: ProxyProcess
  readonly cases: readonly StagedCase[]
  close(): Promise<void>
}

/** Starts the backends of all cases of a group, then the proxy that has their objects. */
export async function startStage(
  cases: readonly AnnotationCase[],
  certificates: Certificates,
): Promise<Stage> {
  const noClass = cases.some(({ options }) => options?.noIngressClasses === true)
  const folder = createManifestFolder(noClass ? [] : [nginxClass])
  const staged: StagedCase[] = []
  try {
    for (const each of cases) staged.push(await stageCase(each, folder, certificates))
    const flags = ['--manifests', folder.path, '--access-log', 'off', ...flagsOf(cases)]
    const proxy = await startProxyProcess({ flags, env: { NODE_COMPILE_CACHE: compiled } })
    return {
      proxy,
      cases: staged,
      async close() {
        await proxy.stop()
        await leave(staged, folder)
      },
    }
  } catch (error) {
    await leave(staged, folder)
    throw error
  }
}

async function stageCase(
  annotationCase: AnnotationCase,
  folder: ManifestFolder,
  certificates: Certificates,
): Promise<StagedCase> {
  const backends = await Backends.start(annotationCase, certificates)
  const objects = new CaseObjects(annotationCase, folder, certificates)
  await objects.write()
  return { case: annotationCase, objects, backends, certificates }
}

async function leave(staged: readonly StagedCase[], folder: ManifestFolder): Promise<void> {
  await Promise.all(staged.map(({ backends }) => backends.close()))
  folder.dispose()
}
