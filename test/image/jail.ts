// How does a program run as the image runs it? In a root of its own that holds Node, the bundle and nothing else: read-only,
// as user 65532, without capabilities and without a way to get any, in namespaces of its own for mounts and processes.
//
// Not shown by this: seccomp's RuntimeDefault profile and the C library of the image's base.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findProgram, processTree } from '../support/programs.ts'

const tools = ['unshare', 'mount', 'setpriv', 'ldd'] as const
const user = 65_532

/** Says what is missing for a jail; undefined when nothing is. */
export function whyNoJail(): string | undefined {
  if (process.platform !== 'linux') return 'namespaces exist on Linux only'
  if (process.getuid?.() !== 0) return 'only root may make namespaces and mounts'
  const missing = tools.filter((tool) => findProgram(tool) === undefined)
  if (missing.length > 0) return `no ${missing.join(', no ')} on the PATH (util-linux, libc-bin)`
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'true'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `unshare failed: ${error instanceof Error ? error.message : error}`
  }
}

/** A root to run programs in. */
export interface Jail {
  /** Its folder outside; `app` and `manifests` in it are `/app` and `/manifests` inside. */
  readonly root: string
  /** Runs `node ARGS` inside, with these environment variables besides PATH and NODE_ENV. */
  run(args: readonly string[], env: Readonly<Record<string, string>>): JailedProcess
  remove(): void
}

/** Node inside a jail. */
export interface JailedProcess {
  /** `unshare`, which ends with the exit code of Node and takes Node with it when it is killed. */
  readonly child: ChildProcess
  /** Node's process id outside; undefined before it has started. */
  nodePid(): number | undefined
}

/** Makes the root; the caller fills `app` and `manifests`. */
export function createJail(): Jail {
  const root = mkdtempSync(join(tmpdir(), 'weir-jail-'))
  chmodSync(root, 0o755)
  for (const folder of ['app', 'manifests', 'proc', 'dev', 'bin', 'run/weir']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const file of ['bin/node', 'dev/null']) writeFileSync(join(root, file), '')
  // setpriv has to be inside: it gives up the right to enter a root, so it comes last.
  copyWithLibraries(root, findProgram('setpriv') ?? '', 'bin/setpriv')
  for (const library of librariesOf(process.execPath)) copyInto(root, library)
  return {
    root,
    run(args, env) {
      const child = spawn(
        'unshare',
        [
          '--mount',
          '--pid',
          '--fork',
          '--kill-child',
          'sh',
          '-ec',
          script(root, env),
          'sh',
          ...args,
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      return { child, nodePid: () => processTree(child.pid ?? 0)[1] }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

function script(root: string, env: Readonly<Record<string, string>>): string {
  const variables = Object.entries(env).map(([name, value]) => `'${name}=${value}'`)
  return `
root=${root}
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind ${process.execPath} "$root/bin/node"
mount --bind /dev/null "$root/dev/null"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o size=1m,mode=0700,uid=${user},gid=${user},nosuid,nodev,noexec run "$root/run/weir"
mount -o remount,bind,ro "$root/bin/node"
mount -o remount,bind,ro,nosuid "$root"
exec env -i PATH=/bin NODE_ENV=production ${variables.join(' ')} ${findProgram('chroot') ?? 'chroot'} "$root" \\
  /bin/setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs \\
  --inh-caps=-all --ambient-caps=-all --bounding-set=-all /bin/node "$@"`
}

function copyWithLibraries(root: string, program: string, to: string): void {
  copyFileSync(program, join(root, to))
  for (const library of librariesOf(program)) copyInto(root, library)
}

function copyInto(root: string, file: string): void {
  mkdirSync(join(root, dirname(file)), { recursive: true })
  copyFileSync(file, join(root, file))
}

/** Lists the shared libraries of a program, its loader among them. */
function librariesOf(program: string): readonly string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' })
  return [...text.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? [])
}
