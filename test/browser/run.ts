// Does a browser load a page of 100 parts through Weir, over one connection of HTTP/2? Chromium without a window against the real program.
// `npm run test:browser`. Without Chromium all is skipped; in CI that is an error. The last line is `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { scrape, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { findProgram } from '../support/programs.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { askTls, ca, pem, tlsEntries, tlsSecret } from '../support/tls.ts'
import { largeBytes, type PageResult, partCount, uploadBytes } from './page.ts'
import { startSite } from './site.ts'

const programs = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']
const patienceMs = 120_000
const checks = [
  'all parts came whole',
  'all by HTTP/2',
  'a large download and an upload are whole',
  'a WebSocket goes through (RFC 8441)',
  'one connection carried the page, its parts, and another host of its certificate',
  'nothing was asked of the upstream twice',
  'a host that asks for certificates is reached by a connection of its own (421), and refuses who has none',
] as const

const chromium = programs.map(findProgram).find((found) => found !== undefined)
if (chromium === undefined) {
  const remedy = 'apt-get install chromium-headless-shell'
  if (process.env.CI === 'true') throw new Error(`Chromium is missing: ${remedy}`)
  console.log('skipped: no chromium')
  console.log(`0 passed, 0 failed, ${checks.length} skipped`)
  process.exit(0)
}

const counts = { passed: 0, failed: 0 }

function check(name: (typeof checks)[number], isTrue: boolean, seen: unknown): void {
  console.log(`${isTrue ? 'ok' : 'not ok'} ${name}`)
  counts[isTrue ? 'passed' : 'failed'] += 1
  if (!isTrue) console.log(seen)
}

/** What Chromium may take for good although nobody known issued it: the hash of the certificate's key. */
function keyHash(): string {
  const key = new X509Certificate(pem('wild-ecdsa.crt')).publicKey
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

/** Starts the browser with a page. It finds nobody but 127.0.0.1. */
function startBrowser(program: string, profile: string, url: string) {
  const args = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    `--user-data-dir=${profile}`,
    `--ignore-certificate-errors-spki-list=${keyHash()}`,
    '--host-resolver-rules=MAP *.wild.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    // Without a port for tools it would load the page and end.
    '--remote-debugging-port=0',
    url,
  ]
  // A group of its own: what it starts ends with it.
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
}

const names = ['page', 'shared', 'guarded'] as const
const ingresses = names.map((name): KubeObject => {
  const annotations = name === 'guarded' ? { 'weir.dev/client-ca': 'clients' } : {}
  const ingress = ingressOf(name, [{ host: `${name}.wild.test`, service: 'web' }], annotations)
  const tls = [{ hosts: ['*.wild.test'], secretName: 'wild' }]
  return { ...ingress, spec: { ...ingress.spec, tls } } as KubeObject
})

const site = await startSite()
const manifests = createManifestFolder([
  ...serviceOf('web', [site]),
  ...ingresses,
  tlsSecret('wild', tlsEntries('wild-ecdsa')) as KubeObject,
  tlsSecret('clients', { 'ca.crt': ca }) as KubeObject,
])
const proxy = await startProxyProcess({
  flags: ['--manifests', manifests.path, '--listen-tls', '127.0.0.1:0', '--access-log', 'json'],
})
const at = (name: (typeof names)[number]) => `${name}.wild.test:${proxy.tlsPort}`
const profile = mkdtempSync(join(tmpdir(), 'weir-browser-'))
const logged = (host: string) => proxy.accessLog().filter((line) => line.host === host)

async function handshakes(): Promise<number> {
  const family = (await scrape(proxy.adminPort)).get('weir_tls_handshakes_total')
  return family?.samples.reduce((sum, { value }) => sum + value, 0) ?? 0
}

async function judge(
  result: PageResult,
  connections: number,
  asked: readonly string[],
): Promise<void> {
  check(checks[0], result.whole === partCount, result)
  check(checks[1], result.protocols.join() === 'h2', result)
  const areWhole = result.download === largeBytes && result.upload === String(uploadBytes)
  check(checks[2], areWhole, result)
  check(checks[3], result.echo === 'hello', result)
  // One for the page and `shared`, one for `guarded`.
  check(checks[4], result.shared === 200 && connections === 2, { ...result, connections })
  const own = asked.filter((path) => path !== '/data/0' && path !== '/favicon.ico')
  check(checks[5], new Set(own).size === own.length && own.length > partCount, asked)
  const ofGuarded = async () => logged('guarded.wild.test').map(({ status }) => status)
  const statuses = await until('both are logged', ofGuarded, (found) => found.length >= 2)
  check(checks[6], result.guarded === 0 && statuses.join() === '421,400', {
    ...result,
    statuses,
    log: proxy.lines.slice(-8),
  })
}

try {
  const isShown = async () => (await askTls(proxy.tlsPort, { servername: 'page.wild.test' })).shown
  await until('the certificate is there', isShown, (shown) => shown === '*.wild.test EC')
  site.setHosts({ shared: at('shared'), guarded: at('guarded') })
  const before = await handshakes()
  const asked = site.asked.length
  const browser = startBrowser(chromium, profile, `https://${at('page')}/`)
  let said = ''
  browser.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const tooLate = delay(patienceMs, undefined, { ref: false })
  try {
    const result = await Promise.race([site.result, tooLate, once(browser, 'exit')])
    if (result === undefined || Array.isArray(result)) {
      counts.failed += 1
      console.log(`the page never said what it saw\n${said.slice(-4000)}`, site.asked.slice(asked))
    } else await judge(result, (await handshakes()) - before, site.asked.slice(asked))
  } finally {
    if (browser.pid !== undefined && browser.exitCode === null)
      process.kill(-browser.pid, 'SIGKILL')
  }
} finally {
  await proxy.stop()
  await site.close()
  manifests.dispose()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
