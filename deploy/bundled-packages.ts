// Which packages are in the bundle? What esbuild says it wrote, with what npm's lock file says of it.
//
// Invariant: a package is listed when at least one byte of it is in an output, and not because something depends on it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The part of esbuild's metafile that is read here. */
export interface BundleRecord {
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string }[] }>
  >
  readonly outputs: Readonly<
    Record<
      string,
      { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }
    >
  >
}

/** One package of which code is in the bundle. */
export interface BundledPackage {
  /** Relative to the root, as the lock file names it: `node_modules/a/node_modules/b`. */
  readonly folder: string
  readonly name: string
  readonly version: string
  /** SPDX identifier or expression. */
  readonly license: string
  /** Subresource integrity of the published archive, from the lock file; undefined when it has none. */
  readonly integrity: string | undefined
  /** How much of it is in the bundle. */
  readonly bytes: number
  /** True when Weir's own files import it. */
  readonly isDirect: boolean
  /** Folders of the bundled packages that it imports. */
  readonly imports: readonly string[]
}

/** What a package says of itself. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
}

/** Reads a package's name, version and licence. */
export function readManifest(folder: string): Manifest {
  // Written by npm, which checks these fields when a package is published.
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** Lists the packages of a bundle, by folder. */
export function bundledPackages(root: string, record: BundleRecord): readonly BundledPackage[] {
  const bytes = new Map<string, number>()
  for (const { inputs } of Object.values(record.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = packageFolder(path)
      if (folder === undefined || bytesInOutput === 0) continue
      bytes.set(folder, (bytes.get(folder) ?? 0) + bytesInOutput)
    }
  }
  const integrities = readIntegrities(root)
  const direct = importsOf(undefined, record)
  return [...bytes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([folder, size]) => {
      const { name, version, license } = readManifest(join(root, folder))
      const imports = importsOf(folder, record).filter((other) => bytes.has(other))
      const integrity = integrities[folder]?.integrity
      const isDirect = direct.includes(folder)
      return { folder, name, version, license, integrity, bytes: size, isDirect, imports }
    })
}

/** Finds the package that a file belongs to, also a nested one (`node_modules/a/node_modules/b`). */
function packageFolder(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
}

/** Lists the packages that the files of one package, or of none, import. */
function importsOf(folder: string | undefined, record: BundleRecord): readonly string[] {
  const found = new Set<string>()
  for (const [path, { imports }] of Object.entries(record.inputs)) {
    if (packageFolder(path) !== folder) continue
    for (const imported of imports) {
      const other = packageFolder(imported.path)
      if (other !== undefined && other !== folder) found.add(other)
    }
  }
  return [...found].sort()
}

function readIntegrities(root: string): Readonly<Record<string, { readonly integrity?: string }>> {
  // Written by npm.
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>
  }
  return lock.packages
}
