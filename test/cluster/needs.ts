// What must be there before a real API server can run here? Each missing part is named with the way to get it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../support/programs.ts'

/** Lists what is missing; empty: all is there. */
export function missingParts(): string[] {
  const missing: string[] = []
  if (process.platform !== 'linux') missing.push('Linux (network namespaces)')
  if (process.getuid?.() !== 0) missing.push('root (a network namespace of its own)')
  if (findProgram('etcd') === undefined) missing.push('etcd (Debian: etcd-server)')
  if (findProgram('ip') === undefined) missing.push('ip (Debian: iproute2)')
  if (findProgram('unshare') === undefined) missing.push('unshare (Debian: util-linux)')
  if (!hasBinaries() && findProgram('go') === undefined) {
    missing.push('go 1.25 or newer (https://go.dev/dl; older ones of Debian are too old)')
  }
  if (missing.length === 0) {
    const tried = spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'true'])
    if (tried.status !== 0) missing.push(`the right to make namespaces: ${tried.stderr}`)
  }
  return missing
}

const build = new URL('build.sh', import.meta.url).pathname

function hasBinaries(): boolean {
  const { stdout } = spawnSync(build, ['--folder'], { encoding: 'utf8' })
  return existsSync(join(stdout.trim(), 'kube-apiserver'))
}

/** Builds what is not built yet; gives the folder of kube-apiserver and kubectl. */
export function buildBinaries(): string {
  const run = spawnSync(build, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (run.status !== 0) throw new Error('kube-apiserver was not built')
  return run.stdout.trim()
}

/** Builds helm and kustomize where they are missing: they render what is applied. */
export function installTools(): void {
  const script = new URL('../../deploy/install-tools.sh', import.meta.url).pathname
  const run = spawnSync(script, ['helm', 'kustomize'], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (run.status !== 0) throw new Error('helm and kustomize were not built')
}
