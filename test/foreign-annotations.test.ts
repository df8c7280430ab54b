// What do clients get from an Ingress that was written for another controller, and do the problems say so? The real program.
import t, { type Test } from 'tap'
import { ask, problemsOf } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { startEcho } from './support/upstream.ts'

const cases: {
  name: string
  annotations: Readonly<Record<string, string>>
  path?: string
  asked?: string
  status: number
  /** What the first problem says of it; undefined: there is none. */
  says?: RegExp
  /** With `--ignore-annotations '*'`. */
  ignored: number
  why: string
}[] = [
  {
    name: 'middlewares',
    annotations: { 'traefik.ingress.kubernetes.io/router.middlewares': 'shop-login@kubernetescrd' },
    status: 503,
    says: / answer 503,/,
    ignored: 200,
    why: 'what protects it is another controller’s',
  },
  {
    name: 'cidrs',
    annotations: { 'alb.ingress.kubernetes.io/inbound-cidrs': '10.0.0.0/8' },
    status: 503,
    says: / answer 503,/,
    ignored: 200,
    why: 'an address list of the load balancer',
  },
  {
    name: 'balancer',
    annotations: { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' },
    status: 200,
    says: /has no effect\.$/,
    ignored: 200,
    why: 'nothing is protected by it',
  },
  {
    name: 'silent',
    annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' },
    status: 200,
    ignored: 200,
    why: 'nobody’s business',
  },
  {
    name: 'ours',
    annotations: { 'nginx.ingress.kubernetes.io/whitelist-source-range': 'nobody' },
    status: 503,
    says: / answer 503,/,
    ignored: 503,
    why: 'what Weir reads cannot be ignored',
  },
  {
    name: 'unreadable',
    annotations: { 'nginx.ingress.kubernetes.io/auth-url': 'login.test/' },
    path: '/a(/|$)(.*)',
    asked: '/a/b',
    status: 404,
    says: /clients get 404/,
    ignored: 404,
    why: 'there is no route that could be closed',
  },
  {
    name: 'without-routes',
    annotations: { 'konghq.com/plugins': 'key-auth' },
    path: '/a//b',
    asked: '/a/b',
    status: 404,
    says: /clients get 404/,
    ignored: 404,
    why: 'there is no route that could be closed',
  },
]

async function startWith(t: Test, flags: readonly string[]) {
  const echo = await startEcho('web')
  const folder = createManifestFolder([
    ...cases.map(({ name, annotations, path = '/' }) =>
      ingressOf(name, [{ host: `${name}.test`, path, service: 'web' }], annotations),
    ),
    ...serviceOf('web', [echo]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, ...flags] })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
    folder.dispose()
  })
  return proxy
}

t.test('keys of other controllers', async (t) => {
  const proxy = await startWith(t, [])
  const problems = await problemsOf(proxy.adminPort)
  for (const { name, asked = '/', status, says, why } of cases) {
    const response = await ask(proxy.port, { host: `${name}.test`, path: asked })
    t.equal(response.status, status, `${name}: ${why}`)
    const problem = problems.find((each) => each.name === name)
    if (says === undefined) t.equal(problem, undefined, name)
    else t.match(problem?.message, says, name)
  }
})

t.test('keys of other controllers that the operator ignores', async (t) => {
  const proxy = await startWith(t, ['--ignore-annotations', '*'])
  const problems = await problemsOf(proxy.adminPort)
  for (const { name, asked = '/', ignored, why } of cases) {
    const response = await ask(proxy.port, { host: `${name}.test`, path: asked })
    t.equal(response.status, ignored, `${name}: ${why}`)
  }
  t.strictSame(
    problems.filter(({ reason }) => reason?.endsWith('-annotation')).map(({ name }) => name),
    ['ours', 'unreadable'],
    'nothing is said of what is ignored',
  )
})
