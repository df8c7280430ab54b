// Does Weir speak HTTP/2 as h2spec wants it? All of its cases against the real program, in clear (prior knowledge) and over TLS.
// `npm run test:h2spec`; needs h2spec (deploy/install-tools.sh). The last line is `N passed, N failed, N skipped`.
//
// known.json says which cases are not met, and why: they count as skipped. One that fails without being in it fails the run, and so
// does one in it that is met: the list stays true.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool } from '../chart/tools.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { startEcho } from '../support/upstream.ts'

type Transport = 'clear' | 'tls'

interface Known {
  readonly on: readonly Transport[]
  readonly why: string
}

/** Cases that are not met, by section and number. */
const known: Readonly<Record<string, Known>> = JSON.parse(
  readFileSync(new URL('known.json', import.meta.url), 'utf8'),
)

interface Outcome {
  readonly id: string
  readonly name: string
  readonly isMet: boolean
}

/** Reads h2spec's report (JUnit): its cases have no names but their order within a section. */
function readReport(xml: string): readonly Outcome[] {
  const outcomes: Outcome[] = []
  for (const [, section = '', body = ''] of xml.matchAll(
    /<testsuite [^>]*package="([^"]*)"[^>]*>([\s\S]*?)<\/testsuite>/g,
  )) {
    let number = 0
    for (const [, name = '', rest = ''] of body.matchAll(
      /<testcase [^>]*classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
    )) {
      number += 1
      outcomes.push({ id: `${section}/${number}`, name, isMet: !/<(?:error|failure)/.test(rest) })
    }
  }
  return outcomes
}

const tool = findTool('h2spec')
if (tool === undefined) throw new Error('h2spec is missing: run deploy/install-tools.sh h2spec')

const folder = mkdtempSync(join(tmpdir(), 'weir-h2spec-'))
const web = await startEcho('web')
const manifests = createManifestFolder([
  ...serviceOf('web', [web]),
  ingressOf('all', [{ service: 'web' }]),
])
const proxy = await startProxyProcess({
  flags: ['--manifests', manifests.path, '--h2c', '--listen-tls', '127.0.0.1:0'],
})
const counts = { passed: 0, failed: 0, skipped: 0 }
try {
  for (const transport of ['clear', 'tls'] as const) {
    const port = transport === 'clear' ? proxy.port : proxy.tlsPort
    const report = join(folder, `${transport}.xml`)
    const secure = transport === 'tls' ? ['-t', '-k'] : []
    const args = ['-h', '127.0.0.1', '-p', String(port), '-o', '2', '-j', report, ...secure]
    await once(spawn(tool, args, { stdio: 'ignore' }), 'exit')
    for (const { id, name, isMet } of readReport(readFileSync(report, 'utf8'))) {
      const isKnown = known[id]?.on.includes(transport) === true
      if (isMet && !isKnown) counts.passed += 1
      else if (!isMet && isKnown) counts.skipped += 1
      else {
        counts.failed += 1
        console.log(`${transport} ${id}: ${isMet ? 'is met by now' : 'is not met'} (${name})`)
      }
    }
  }
} finally {
  await proxy.stop()
  await web.close()
  manifests.dispose()
  rmSync(folder, { recursive: true })
}
// h2spec has 146 cases; fewer mean that it gave up.
if (counts.passed + counts.skipped + counts.failed < 280) counts.failed += 1
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
