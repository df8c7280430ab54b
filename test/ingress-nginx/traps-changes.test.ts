// The traps of ingress-nginx that no single request shows: requests in progress, endpoints that speak TLS, Ingresses that are edited.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { metric, until } from '../support/ask.ts'
import { serviceOf } from '../support/manifests.ts'
import { connectRaw } from '../support/raw-client.ts'
import { send } from './exchange.ts'
import { type SiteSketch, siteOf } from './site.ts'
import { startStage } from './stage.ts'

t.test(
  'limit-connections counts requests in progress, and each gives its place back',
  async (t) => {
    const keys = { 'limit-connections': '1' }
    const objects = [siteOf({ name: 'busy', rules: ['busy.test / web'], keys })]
    const off = { 'proxy-request-buffering': 'off' }
    const stage = await startStage(t, { objects, services: ['web'], config: off })
    const status = async () => (await send(stage, { url: 'busy.test/' })).status
    t.equal(await status(), 200)
    const client = await connectRaw(stage.proxy.port)
    t.teardown(() => client.close())
    t.equal(await status(), 200, 'a connection without a request is none')
    client.send('POST / HTTP/1.1\r\nHost: busy.test\r\nContent-Length: 5\r\n\r\nhe')
    await until('the place is taken', status, (each) => each === 503)
    client.send('llo')
    await until('it is free again', status, (each) => each === 200)
  },
)

t.test(
  'endpoints by https are not verified, and without its Secret proxy-ssl-* means nothing',
  async (t) => {
    const endpoint = await startTls(t)
    const inner = { 'backend-protocol': 'HTTPS' }
    const objects = [
      siteOf({ name: 'inner', rules: ['inner.test / inner'], keys: inner }),
      siteOf({
        name: 'strict',
        rules: ['strict.test / inner'],
        keys: { ...inner, 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'nobody.test' },
      }),
      ...serviceOf('inner', [endpoint]),
    ]
    const stage = await startStage(t, { objects, services: [] })
    t.equal((await send(stage, { url: 'inner.test/' })).body, 'by TLS', 'its authority is unknown')
    t.equal((await send(stage, { url: 'strict.test/' })).body, 'by TLS', 'no Secret, no check')
    const problems = (await stage.problems()).filter(({ name }) => name === 'strict')
    t.match(problems[0], { field: /proxy-ssl/, message: /no effect/ }, 'its owner is told')
  },
)

t.test(
  'an Ingress that becomes unreadable: what may protect closes it, all else is served and told',
  async (t) => {
    const edited = (keys: SiteSketch['keys'] = {}) =>
      siteOf({ name: 'edited', rules: ['edited.test / web'], keys })
    const beside = siteOf({ name: 'beside', rules: ['beside.test / web'] })
    const stage = await startStage(t, { objects: [beside], services: ['web'] })
    const status = async (name = 'edited') => (await send(stage, { url: `${name}.test/` })).status
    const told = async () =>
      (await stage.problems()).filter(({ name }) => name === 'edited').map(({ field }) => field)
    const write = (keys?: SiteSketch['keys']) => stage.folder.write('edited.json', [edited(keys)])
    const gauge = () =>
      metric(stage.proxy.adminPort, 'weir_route_problems', { reason: 'invalid-annotation' })

    write()
    await until('it is served', status, (each) => each === 200)
    write({ 'proxy-read-timeout': '60s' })
    await until('the problem is known', told, (fields) => fields.length > 0)
    t.match(await told(), [/proxy-read-timeout/])
    t.equal(await status(), 200, 'without the key, as ingress-nginx does')
    t.equal(await gauge(), 1, 'and the metric counts it')

    write({ 'whitelist-source-range': 'office' })
    await until('it is closed', status, (each) => each === 503)
    t.match(await told(), [/whitelist-source-range/])
    t.ok(
      stage.proxy.logs.some((line) => JSON.stringify(line).includes('whitelist-source-range')),
      'the log names the key',
    )
    t.equal(await status('beside'), 200, 'others are served')

    write()
    await until('mended, it is served', status, (each) => each === 200)
    t.same(await told(), [])
  },
)

async function startTls(t: Test): Promise<{ readonly address: string; readonly port: number }> {
  const [cert, key] = ['pem', 'key'].map((end) =>
    readFileSync(new URL(`../../shared/testing/tls/first-server.${end}`, import.meta.url), 'utf8'),
  )
  const server = createServer({ cert, key }, (_, response) => response.end('by TLS'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  // A server that listens on TCP has such an address.
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
}
