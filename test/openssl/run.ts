// Does Weir do with a client of OpenSSL what its table says? The real program with two workers, real handshakes of `openssl s_client`.
// `npm run test:openssl`. Without openssl all is skipped; in CI that is an error. The last line is `N passed, N failed, N skipped`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { findProgram } from '../support/programs.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { askTls, ca, pem, tlsEntries, tlsSecret } from '../support/tls.ts'
import { startEcho } from '../support/upstream.ts'
import { clientKinds, type Kind, serverKinds } from './kinds.ts'
import { type Sight, sClient } from './s-client.ts'

const versions = ['-tls1_2', '-tls1_3'] as const
const resumptions = 12
const total = serverKinds.length + versions.length * (clientKinds.length + 1)

const found = findProgram('openssl')
if (found === undefined) {
  if (process.env.CI === 'true') throw new Error('openssl is missing: apt-get install openssl')
  console.log('skipped: no openssl')
  console.log(`0 passed, 0 failed, ${total} skipped`)
  process.exit(0)
}
const openssl = found
// Options name files.
process.chdir(new URL('../support/certificates', import.meta.url).pathname)

const counts = { passed: 0, failed: 0 }

function check(name: string, isTrue: boolean, seen: unknown): void {
  console.log(`${isTrue ? 'ok' : 'not ok'} ${name}`)
  counts[isTrue ? 'passed' : 'failed'] += 1
  if (!isTrue) console.log(seen)
}

const hosts = {
  'a.test': ['a-ecdsa', 'a-rsa'],
  '*.wild.test': ['wild-ecdsa'],
  'chained.test': ['chained'],
} as const
const named = Object.entries(hosts)

function tlsIngress(host: string, secretName: string): KubeObject {
  const name = secretName.replace(/[^a-z-]/g, '')
  const ingress = ingressOf(name, [{ host, service: 'web' }])
  return {
    ...ingress,
    spec: { ...ingress.spec, tls: [{ hosts: [host], secretName }] },
  } as KubeObject
}

const objects = [
  ...named.flatMap(([host, secrets]) => secrets.map((secret) => tlsIngress(host, secret))),
  ...[...new Set(named.flatMap(([, secrets]) => [...secrets])), 'b-ecdsa'].map(
    (name) => tlsSecret(name, tlsEntries(name)) as KubeObject,
  ),
  ingressOf('all', [{ service: 'web' }]),
  ...(['clients', 'unlisted'] as const).map((name) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], { 'weir.dev/client-ca': name }),
  ),
  tlsSecret('clients', { 'ca.crt': ca, 'ca.crl': pem('ca.crl') }) as KubeObject,
  tlsSecret('unlisted', { 'ca.crt': ca }) as KubeObject,
]

const requestFor = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

function meets({ sees, says }: Kind, sight: Sight): boolean {
  const isSeen = Object.entries(sees).every(([key, value]) => sight[key as keyof Sight] === value)
  return isSeen && (says === undefined || says.test(sight.said))
}

async function play(port: number, kind: Kind, more: readonly string[] = []): Promise<void> {
  const at = kind.options.indexOf('-servername')
  const host = kind.host ?? kind.options[at + 1] ?? ''
  const sight = await sClient(openssl, port, [...kind.options, ...more], requestFor(host))
  check([kind.name, ...more, `(${kind.why})`].join(' '), meets(kind, sight), sight)
}

/** One session, and many connections that go on with it: the system spreads them over the workers. */
async function resume(port: number, version: string, folder: string): Promise<void> {
  const file = join(folder, `session${version}`)
  const options = ['-servername', 'a.test', '-CAfile', 'ca.crt', version]
  const first = await sClient(openssl, port, [...options, '-sess_out', file], requestFor('a.test'))
  const sights: Sight[] = []
  for (let at = 0; at < resumptions; at += 1) {
    const more = [...options, '-sess_in', file]
    sights.push(await sClient(openssl, port, more, requestFor('a.test')))
  }
  const areResumed = sights.every(({ isReused, status }) => isReused && status === 200)
  check(
    `a session is resumed ${resumptions} times by two workers ${version}`,
    !first.isReused && areResumed,
    {
      first: first.said,
      later: sights.map(({ isReused, status }) => ({ isReused, status })),
    },
  )
}

const folder = mkdtempSync(join(tmpdir(), 'weir-openssl-'))
const web = await startEcho('web')
const manifests = createManifestFolder([...serviceOf('web', [web]), ...objects])
const flags = ['--listen-tls', '127.0.0.1:0', '--default-certificate', 'default/b-ecdsa']
const proxy = await startProxyProcess({
  flags: ['--manifests', manifests.path, '--workers', '2', ...flags],
})
try {
  const shown = async () => (await askTls(proxy.tlsPort, { servername: 'a.test' })).shown
  await until('certificates are there', shown, (now) => now === 'a.test EC')
  for (const kind of serverKinds) await play(proxy.tlsPort, kind)
  for (const version of versions) {
    for (const kind of clientKinds) await play(proxy.tlsPort, kind, [version])
    await resume(proxy.tlsPort, version, folder)
  }
} finally {
  await proxy.stop()
  await web.close()
  manifests.dispose()
  rmSync(folder, { recursive: true })
}
console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
