// What does the image ship? The programs as JavaScript, without node_modules: `node deploy/bundle.ts [FOLDER]`.
// The only file that imports esbuild.
//
// Invariant: proxy/main.js and proxy/worker.js lie in one folder, since main starts the worker that lies beside it.
// Invariant: LICENSES.txt holds the licence of every package of which code is in the bundle, sbom.cdx.json names each.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { type BundledPackage, bundledPackages, readManifest } from './bundled-packages.ts'
import { licenceList, sbom } from './sbom.ts'

const root = resolve(import.meta.dirname, '..')
const entryPoints = [
  'proxy/main.ts',
  'proxy/worker.ts',
  'proxy/password-worker.ts',
  'controller/main.ts',
]

// CommonJS packages inside an ES module look for the names that Node gives to CommonJS alone.
const banner = [
  "import { createRequire as createRequireForBundle } from 'node:module'",
  'const require = createRequireForBundle(import.meta.url)',
  'const { filename: __filename, dirname: __dirname } = import.meta',
].join('\n')

/** Writes the bundle into `folder`, replacing what is there; resolves with the packages that are in it. */
export async function bundle(folder: string): Promise<readonly BundledPackage[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outbase: '.',
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // What is imported lazily stays a file of its own: client-node is 5 MB that only a kubeconfig needs.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Names stay as written: a stack trace from production must be readable, also without source maps.
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  const { name, version, license } = readManifest(root)
  // `type` makes Node read the .js files as ES modules, wherever the folder is put.
  const manifest = { name, version, license, type: 'module' }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  const packages = bundledPackages(root, metafile)
  writeFileSync(join(folder, 'LICENSES.txt'), licences(packages))
  writeFileSync(join(folder, 'sbom.cdx.json'), sbom(readManifest(root), packages))
  return packages
}

function licences(packages: readonly BundledPackage[]): string {
  const parts = packages.map(({ folder, name, version, license }) => {
    const path = join(root, folder)
    const files = readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim())
    return [`${name} ${version} (${license})`, ...texts].join('\n\n')
  })
  const line = `\n\n${'-'.repeat(80)}\n\n`
  return `Weir contains code of these packages.${line}${parts.join(line)}\n`
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist'))
  process.stdout.write(licenceList(await bundle(folder)))
  process.stdout.write(`in ${folder}, with sbom.cdx.json (CycloneDX) and LICENSES.txt\n`)
}
