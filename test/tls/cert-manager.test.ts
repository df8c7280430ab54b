// Do cert-manager's objects work as they come? Its Secrets in the order in which it writes them, and the Ingress of its http01 solver
// beside the one that redirects to https and asks for a password.
import t from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ask, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { askTls, pem, tlsEntries, tlsSecret } from '../support/tls.ts'
import { startEcho } from '../support/upstream.ts'

const token = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0'
const nginx = 'nginx.ingress.kubernetes.io'

/** The user's Ingress: TLS by cert-manager, http to https, a password. */
function shop(annotations: Readonly<Record<string, string>>): KubeObject {
  const ingress = ingressOf('shop', [{ host: 'a.test', service: 'web' }], {
    'cert-manager.io/cluster-issuer': 'letsencrypt',
    'cert-manager.io/private-key-algorithm': 'ECDSA',
    'acme.cert-manager.io/http01-edit-in-place': 'false',
    ...annotations,
  })
  const spec = { ...ingress.spec, tls: [{ hosts: ['a.test'], secretName: 'shop-tls' }] }
  return { ...ingress, spec } as KubeObject
}

/** What the solver of cert-manager 1.18 makes for a challenge; `pathType` was ImplementationSpecific before. */
function solver(pathType: string): KubeObject {
  const path = `/.well-known/acme-challenge/${token}`
  const ingress = ingressOf('cm-acme-http-solver-x7k2p', [
    { host: 'a.test', path, pathType, service: 'solver' },
  ])
  const metadata = {
    ...ingress.metadata,
    annotations: { [`${nginx}/whitelist-source-range`]: '0.0.0.0/0,::/0' },
    labels: { 'acme.cert-manager.io/http01-solver': 'true' },
    creationTimestamp: '2026-11-27T10:00:00Z',
  }
  return { ...ingress, metadata } as KubeObject
}

/** The steps of an issue: what the Secret holds, and what a client of a.test is shown. */
const steps: readonly {
  readonly holds: Readonly<Record<string, string>> | undefined
  readonly shown: string
  readonly says?: RegExp
  readonly why: string
}[] = [
  {
    holds: undefined,
    shown: 'Weir default certificate EC',
    says: /^The Secret default\/shop-tls is not there: /,
    why: 'before it begins',
  },
  {
    holds: { 'tls.crt': '', 'tls.key': pem('a-ecdsa.key') },
    shown: 'Weir default certificate EC',
    says: /^The Secret default\/shop-tls has no tls\.crt: /,
    why: 'the key is made first',
  },
  {
    holds: { ...tlsEntries('a-rsa'), 'ca.crt': '' },
    shown: 'a.test RSA',
    why: 'the temporary certificate, for the host, by nobody known',
  },
  {
    holds: { ...tlsEntries('a-ecdsa'), 'ca.crt': pem('ca.crt') },
    shown: 'a.test EC',
    why: 'the issued one, with three keys',
  },
  { holds: tlsEntries('a-rsa'), shown: 'a.test RSA', why: 'renewed' },
]

t.test('Secrets as cert-manager writes them', async (t) => {
  const echo = await startEcho('web')
  const folder = createManifestFolder([...serviceOf('web', [echo]), shop({})])
  const flags = ['--manifests', folder.path, '--listen-tls', '127.0.0.1:0']
  const proxy = await startProxyProcess({ flags })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
    folder.dispose()
  })
  const client = { servername: 'a.test', rejectUnauthorized: false }
  const shownNow = async () => (await askTls(proxy.tlsPort, client)).shown
  const problems = () => problemsOf(proxy.adminPort)
  for (const { holds, shown, says, why } of steps) {
    if (holds !== undefined)
      folder.write('secret.json', [tlsSecret('shop-tls', holds) as KubeObject])
    const said = await until(why, problems, (found) =>
      says === undefined
        ? found.length === 0
        : found.length === 1 && says.test(found[0]?.message ?? ''),
    )
    t.equal(said.length, says === undefined ? 0 : 1, `${why}: nothing else is wrong`)
    await until(`${why}: ${shown}`, shownNow, (now) => now === shown)
  }
})

t.test('the http01 solver beats redirects and authentication', async (t) => {
  const echo = await startEcho('web')
  const solving = await startEcho('solver')
  const secrets = [
    tlsSecret('shop-tls', tlsEntries('a-ecdsa')) as KubeObject,
    tlsSecret('users', { auth: 'me:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' }) as KubeObject,
  ]
  t.teardown(async () => {
    await echo.close()
    await solving.close()
  })
  const rows = [
    { pathType: 'Exact', flags: [] },
    { pathType: 'ImplementationSpecific', flags: [] },
    { pathType: 'Exact', flags: ['--like', 'ingress-nginx', '--ingress-class', 'weir'] },
    {
      pathType: 'ImplementationSpecific',
      flags: ['--like', 'ingress-nginx', '--ingress-class', 'weir'],
    },
  ]
  for (const { pathType, flags } of rows) {
    const guarded = {
      [`${nginx}/ssl-redirect`]: 'true',
      [`${nginx}/auth-type`]: 'basic',
      [`${nginx}/auth-secret`]: 'users',
    }
    const folder = createManifestFolder([
      ...serviceOf('web', [echo]),
      ...serviceOf('solver', [solving]),
      ...secrets,
      shop(guarded),
      solver(pathType),
    ])
    const given = ['--manifests', folder.path, '--listen-tls', '127.0.0.1:0', ...flags]
    const proxy = await startProxyProcess({ flags: given })
    const what = [pathType, ...flags].join(' ')
    try {
      const path = `/.well-known/acme-challenge/${token}`
      const solved = await ask(proxy.port, { host: 'a.test', path })
      t.equal(solved.status, 200, `${what}: the challenge is answered in plain HTTP`)
      t.match(solved.body, /"service":"solver"/)
      const other = await ask(proxy.port, { host: 'a.test', path: '/cart' })
      t.equal(other.status, 308, `${what}: all else goes to https`)
      const secret = await askTls(proxy.tlsPort, { servername: 'a.test' })
      t.match(secret.text, /^HTTP\/1\.1 401 /, `${what}: and needs a password there`)
    } finally {
      await proxy.stop()
      folder.dispose()
    }
  }
})
