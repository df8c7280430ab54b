// Who gets the requests of a path that was written for another controller? The real program.
import t, { type Test } from 'tap'
import { ask, problemsOf } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { startEcho } from './support/upstream.ts'

const cases = [
  { host: 'all.test', path: '/', off: 404, on: 200, why: '/* is every path' },
  { host: 'all.test', path: '/a/b?c', off: 404, on: 200, why: '/* is every path' },
  { host: 'all.test', path: '/*', off: 200, on: 200, why: 'the literal path is one of them' },
  { host: 'foo.test', path: '/foo/a', off: 404, on: 200, why: '/foo/* is a prefix' },
  { host: 'foo.test', path: '/foo', off: 404, on: 200, why: 'a prefix has its own path' },
  { host: 'foo.test', path: '/foobar', off: 404, on: 404, why: 'by whole segments' },
  { host: 'half.test', path: '/foobar', off: 404, on: 404, why: '/foo* is no prefix' },
  { host: 'asked.test', path: '/a', off: 200, on: 200, why: 'by annotation' },
  { host: 'not.test', path: '/a', off: 404, on: 404, why: 'the annotation has the last word' },
]

async function startWith(t: Test, flags: readonly string[]) {
  const echo = await startEcho('web')
  const ingress = (host: string, path: string, annotations = {}) =>
    ingressOf(
      host,
      [{ host, path, pathType: 'ImplementationSpecific', service: 'web' }],
      annotations,
    )
  const folder = createManifestFolder([
    ingress('all.test', '/*'),
    ingress('foo.test', '/foo/*'),
    ingress('half.test', '/foo*'),
    ingress('asked.test', '/*', { 'weir.dev/path-wildcards': 'true' }),
    ingress('not.test', '/*', { 'weir.dev/path-wildcards': 'false' }),
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

for (const [mode, flags, reported] of [
  ['off', [], ['all.test', 'foo.test', 'half.test', 'not.test']],
  ['on', ['--path-wildcards'], ['half.test', 'not.test']],
] as const) {
  t.test(`wildcards are ${mode}`, async (t) => {
    const proxy = await startWith(t, flags)
    for (const { host, path, why, ...expected } of cases) {
      const { status } = await ask(proxy.port, { host, path })
      t.equal(status, expected[mode], `${host}${path}: ${why}`)
    }
    const problems = await problemsOf(proxy.adminPort)
    t.strictSame(problems.map(({ name }) => name).sort(), reported)
  })
}
