// Do the clients of HTTP/2 that people have understand Weir? curl, nghttp and h2load against the real program, in clear by prior knowledge
// and over TLS by ALPN. `npm run test:clients`; the last line is `N passed, N failed, N skipped`.
//
// A client that is not installed is skipped, and says so; with CI=true that is a failure.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool } from '../chart/tools.ts'
import { startHttp2 } from '../support/http2-upstream.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { startEcho, startScripted } from '../support/upstream.ts'

/** Where a client asks: `a.test` is this machine's loopback address for all of them. */
interface Place {
  readonly name: 'clear' | 'tls'
  readonly url: string
  readonly port: number
}

interface Check {
  readonly client: 'curl' | 'nghttp' | 'h2load'
  readonly why: string
  readonly on: readonly Place['name'][]
  readonly args: (place: Place) => readonly string[]
  /** What its output must hold; its exit code must be 0. */
  readonly says: readonly RegExp[]
}

const folder = mkdtempSync(join(tmpdir(), 'weir-clients-'))
const upload = join(folder, 'upload')
const uploadBytes = 3_000_000
writeFileSync(upload, 'u'.repeat(uploadBytes))
const large = 5_000_000

const both = ['clear', 'tls'] as const
const curl = ({ name, port }: Place, ...more: readonly string[]) => [
  ...['--silent', '--show-error', '--insecure', '--max-time', '20'],
  ...['--resolve', `a.test:${port}:127.0.0.1`],
  name === 'clear' ? '--http2-prior-knowledge' : '--http2',
  ...['--write-out', '\n%{http_version} %{http_code} %{size_download}\n'],
  ...more,
]
const authority = ['-H', ':authority: a.test']

const checks: readonly Check[] = [
  {
    client: 'curl',
    why: 'a request, as HTTP/2',
    on: both,
    args: (place) => curl(place, `${place.url}/a?b=c`),
    says: [/"path":"\/a\?b=c"/, /^2 200 /m],
  },
  {
    client: 'curl',
    why: '--http2 in clear asks for an upgrade, which RFC 9113 has no more: HTTP/1.1 goes on',
    on: ['clear'],
    args: ({ url, port }) => curl({ name: 'tls', url, port }, `${url}/upgrade`),
    says: [/"path":"\/upgrade"/, /^1\.1 200 /m],
  },
  {
    client: 'curl',
    why: 'HEAD',
    on: both,
    args: (place) => curl(place, '--head', `${place.url}/`),
    says: [/^HTTP\/2 200/m, /^content-length: \d+/m, /^2 200 0$/m],
  },
  {
    client: 'curl',
    why: 'an upload that waits for 100',
    on: both,
    args: (place) =>
      curl(place, '-H', 'Expect: 100-continue', '--data-binary', `@${upload}`, `${place.url}/`),
    says: [new RegExp(`"bodyLength":${uploadBytes}`), /^2 200 /m],
  },
  {
    client: 'curl',
    why: 'an upload without a length',
    on: both,
    args: (place) => curl(place, '--upload-file', '-', `${place.url}/`),
    says: [/"method":"PUT"/, /"bodyLength":5/, /^2 200 /m],
  },
  {
    client: 'curl',
    why: 'a large download',
    on: both,
    args: (place) => curl(place, '--output', '/dev/null', `${place.url}/large`),
    says: [new RegExp(`^2 200 ${large}$`, 'm')],
  },
  {
    client: 'curl',
    why: 'ten at once on one connection',
    // In clear, curl 7.88 of Debian 12 does so with no server: it sends before it has read the settings.
    on: ['tls'],
    args: (place) => curl(place, '--parallel', `${place.url}/[1-10]`),
    says: [/"path":"\/1"/, /"path":"\/10"/],
  },
  {
    client: 'curl',
    // While it still sends, curl 7.88 takes the reset behind an early answer (RFC 9113 §8.1) for an error now and then.
    why: 'a body that is too large is answered, not cut',
    on: both,
    args: (place) =>
      curl(
        place,
        '--data',
        'x'.repeat(100),
        `${place.url.replace('a.test', 'small.test')}/`,
        '--resolve',
        `small.test:${place.port}:127.0.0.1`,
      ),
    says: [/413 body-too-large/, /^2 413 /m],
  },
  {
    client: 'curl',
    why: 'an endpoint that speaks HTTP/2, too',
    on: both,
    args: (place) =>
      curl(
        place,
        `${place.url.replace('a.test', 'h2.test')}/x`,
        '--resolve',
        `h2.test:${place.port}:127.0.0.1`,
      ),
    says: [/^GET \/x/m, /^2 200 /m],
  },
  {
    client: 'nghttp',
    why: 'frames as they should be, a trailer, priorities, and the end of the stream',
    on: both,
    args: ({ port, name }) => [
      ...['--verbose', '--timeout=20', ...authority],
      ...['--trailer', 'x-sum: 1', '-d', upload, '--null-out'],
      `${name === 'tls' ? 'https' : 'http'}://127.0.0.1:${port}/`,
    ],
    says: [/recv \(stream_id=\d+\) :status: 200/, /END_STREAM/],
  },
  {
    client: 'nghttp',
    why: 'padding, and a small window that is opened again and again',
    on: both,
    args: ({ port, name }) => [
      ...[
        '--stat',
        '--timeout=20',
        ...authority,
        '--padding=100',
        '--window-bits=14',
        '--null-out',
      ],
      `${name === 'tls' ? 'https' : 'http'}://127.0.0.1:${port}/large`,
    ],
    says: [/ 200 +\d+[KM]? \/large/],
  },
  {
    client: 'h2load',
    why: 'many streams on a few connections: each is answered',
    on: both,
    args: ({ port, name }) => [
      ...['-n', '2000', '-c', '4', '-m', '32', ...authority],
      `${name === 'tls' ? 'https' : 'http'}://127.0.0.1:${port}/`,
    ],
    says: [/2000 succeeded, 0 failed, 0 errored, 0 timeout/, /status codes: 2000 2xx/],
  },
]

/** Runs a client; `hello` is all it gets to read. */
function run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { maxBuffer: 64 << 20, timeout: 60_000 }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1)
      resolve({ code, output: stdout + stderr })
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end('hello')
  })
}

const echo = await startEcho('echo')
const download = await startScripted({
  onRequest: ({ method }) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n${method === 'HEAD' ? '' : 'x'.repeat(large)}`,
})
const http2 = await startHttp2()
const manifests = createManifestFolder([
  ...serviceOf('echo', [echo]),
  ...serviceOf('download', [download]),
  ...serviceOf('http2', [http2]),
  ingressOf('a', [
    { host: 'a.test', service: 'echo' },
    { host: 'a.test', path: '/large', service: 'download' },
  ]),
  ingressOf('small', [{ host: 'small.test', service: 'echo' }], { 'weir.dev/max-body-size': '10' }),
  ingressOf('h2', [{ host: 'h2.test', service: 'http2' }], {
    'nginx.ingress.kubernetes.io/backend-protocol': 'GRPC',
  }),
])
const proxy = await startProxyProcess({
  flags: ['--manifests', manifests.path, '--h2c', '--listen-tls', '127.0.0.1:0'],
})
const places: readonly Place[] = [
  { name: 'clear', url: `http://a.test:${proxy.port}`, port: proxy.port },
  { name: 'tls', url: `https://a.test:${proxy.tlsPort}`, port: proxy.tlsPort },
]
const counts = { passed: 0, failed: 0, skipped: 0 }
const missing = new Set<string>()
try {
  for (const { client, why, on, args, says } of checks) {
    const program = findTool(client)
    for (const place of places.filter(({ name }) => on.includes(name))) {
      const what = `${client}, ${place.name}: ${why}`
      if (program === undefined) {
        missing.add(client)
        counts[process.env.CI === 'true' ? 'failed' : 'skipped'] += 1
        continue
      }
      const { code, output } = await run(program, args(place))
      const unsaid = says.filter((pattern) => !pattern.test(output))
      if (code === 0 && unsaid.length === 0) counts.passed += 1
      else {
        counts.failed += 1
        console.log(`${what}: exit ${code}, not seen: ${unsaid.join(' ')}\n${output.slice(-1500)}`)
      }
    }
  }
} finally {
  await proxy.stop()
  await Promise.all([echo.close(), download.close(), http2.close()])
  manifests.dispose()
  rmSync(folder, { recursive: true })
}
for (const client of missing) console.log(`skipped: no ${client}`)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
