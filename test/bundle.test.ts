// The bundle is what the image runs: it must start where there is no node_modules and no TypeScript.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { bundle } from '../deploy/bundle.ts'

// Outside of the repository, so that nothing is found by walking up to its node_modules.
const folder = mkdtempSync(join(tmpdir(), 'weir-bundle-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const dist = join(folder, 'dist')
await bundle(dist)

t.test('the bundle has every program, with its source map', async (t) => {
  for (const program of ['proxy/main', 'proxy/worker', 'controller/main']) {
    t.ok(existsSync(join(dist, `${program}.js`)), program)
    t.ok(existsSync(join(dist, `${program}.js.map`)), `${program}'s map`)
  }
})

t.test('the licence of each bundled package is in LICENSES.txt', async (t) => {
  const licences = readFileSync(join(dist, 'LICENSES.txt'), 'utf8')
  for (const name of ['pino', 'undici', 'yaml', 'prom-client', 'sonic-boom']) {
    t.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(\\S+\\)$`, 'm'), name)
  }
  t.notMatch(licences, /^esbuild /m, 'tools are not shipped')
})

t.test('each bundled program answers --help', async (t) => {
  for (const program of ['proxy/main.js', 'controller/main.js']) {
    const child = spawn(process.execPath, [join(dist, program), '--help'], { env: {} })
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    t.equal(code, 0, `${program} ${stderr}`)
    t.match(stdout, '--log-level', program)
  }
})

const manifests = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: lonely, namespace: default }
spec:
  ingressClassName: weir
  rules:
    - host: bundle.test
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: absent, port: { number: 80 } } } }
`

t.test('the bundled proxy routes by manifests and ends by SIGTERM with 0', async (t) => {
  const manifestFolder = join(folder, 'manifests')
  mkdirSync(manifestFolder)
  writeFileSync(join(manifestFolder, 'ingress.yaml'), manifests)
  const child = spawn(
    process.execPath,
    [
      join(dist, 'proxy/main.js'),
      ...['--manifests', manifestFolder, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      ...['--workers', '2', '--drain-seconds', '0', '--access-log', 'off'],
    ],
    { env: {}, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const port = await announcedPort(child.stderr)
  while ((await get(port, '127.0.0.1', '/kube-system/healthz')) !== 200) await delay(20)
  t.equal(await get(port, 'bundle.test', '/'), 503, 'the route is known, its Service is missing')
  t.equal(await get(port, 'other.test', '/'), 404, 'nothing else is')
  child.kill('SIGTERM')
  t.strictSame(await exit, [0, null])
})

/** Reads the log until it names the data port. */
async function announcedPort(log: Readable): Promise<number> {
  const lines: string[] = []
  for await (const line of createInterface({ input: log })) {
    const port = /"listen":"[^"]*:(\d+)"/.exec(line)?.[1]
    if (port !== undefined) {
      log.resume()
      return Number(port)
    }
    lines.push(line)
  }
  throw new Error(`the proxy named no port: ${lines.join('\n')}`)
}

async function get(port: number, host: string, path: string): Promise<number | undefined> {
  const headers = { host, connection: 'close' }
  const request = http.get({ host: '127.0.0.1', port, path, headers })
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}
