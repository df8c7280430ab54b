// Which manifest files are there, and which of them changed: one look at the file system, without reading the files.
//
// Invariant: what cannot be looked at is named, never taken as absent: only ENOENT means that something is gone.
import type { BigIntStats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** One file as it is now. */
export interface FoundFile {
  readonly path: string
  /** Differs when the content may differ: change time, size and identity of the file (behind links). */
  readonly stamp: string
  readonly modifiedAtMs: number
}

/** What was found below one path. */
export interface Scan {
  /** Sorted by path. */
  readonly files: readonly FoundFile[]
  /** The path itself is not there. */
  readonly isMissing: boolean
  /** Folders and files that could not be looked at, with the reason. */
  readonly failures: readonly { readonly path: string; readonly why: string }[]
}

const extensions: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json'])
/** Folders within folders; a loop of links ends here at the latest. */
const maxDepth = 16

/** Looks at `root`: a file of any name, or a folder with all that is below it. Never rejects. */
export async function scanManifests(root: string): Promise<Scan> {
  const files: FoundFile[] = []
  const failures: { path: string; why: string }[] = []
  const folders = new Set<string>()

  async function look(path: string): Promise<BigIntStats | undefined> {
    try {
      return await stat(path, { bigint: true })
    } catch (error) {
      if (!isGone(error)) failures.push({ path, why: reasonOf(error) })
      return undefined
    }
  }

  async function enter(folder: string, stats: BigIntStats, depth: number): Promise<void> {
    const identity = `${stats.dev}:${stats.ino}`
    if (depth > maxDepth || folders.has(identity)) return
    folders.add(identity)
    let names: string[]
    try {
      names = await readdir(folder)
    } catch (error) {
      if (!isGone(error)) failures.push({ path: folder, why: reasonOf(error) })
      return
    }
    // Dot names are editors' and the kubelet's own: a ConfigMap mount shows links to what lies in `..data`.
    const visible = names.filter((name) => !name.startsWith('.'))
    await Promise.all(visible.map((name) => visit(join(folder, name), depth + 1)))
  }

  async function visit(path: string, depth: number): Promise<void> {
    const stats = await look(path)
    if (stats === undefined) return
    if (stats.isDirectory()) await enter(path, stats, depth)
    else if (stats.isFile() && extensions.has(extname(path))) files.push(describe(path, stats))
  }

  const stats = await look(root)
  if (stats?.isDirectory()) await enter(root, stats, 0)
  else if (stats !== undefined) files.push(describe(root, stats))
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, isMissing: stats === undefined && failures.length === 0, failures }
}

function describe(path: string, stats: BigIntStats): FoundFile {
  return {
    path,
    stamp: `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`,
    modifiedAtMs: Number(stats.mtimeMs),
  }
}

/** True when a path does not lead anywhere (any more). */
export function isGone(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(`${error.code}`)
  )
}

/** The reason of a failed file operation, without Node's own syntax around it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
