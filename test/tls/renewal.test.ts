// Does a renewed Secret serve new handshakes at once, without a failed request and without touching open connections? The real program
// with two workers, whose sessions are resumed by either.
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import t from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { metric, problemsOf, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { askTls, ca, pem, tlsEntries, tlsSecret } from '../support/tls.ts'
import { startEcho } from '../support/upstream.ts'

/** An Ingress for a host with TLS by a Secret. */
function tlsIngress(host: string, secretName: string): KubeObject {
  const ingress = ingressOf(host.replace('.', '-'), [{ host, service: 'web' }])
  const spec = { ...ingress.spec, tls: [{ hosts: [host], secretName }] }
  return { ...ingress, spec } as KubeObject
}

function secret(name: string, files: string, keyOf = files): KubeObject {
  return tlsSecret(name, tlsEntries(files, keyOf)) as KubeObject
}

const flags = ['--listen-tls', '127.0.0.1:0', '--workers', '2', '--access-log', 'off']

async function start(objects: readonly KubeObject[], more: readonly string[] = []) {
  const echo = await startEcho('web')
  const folder = createManifestFolder([...serviceOf('web', [echo]), ...objects])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, ...flags, ...more] })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
    folder.dispose()
  })
  return { proxy, folder }
}

t.test('a Secret is renewed under traffic', async (t) => {
  const { proxy, folder } = await start([tlsIngress('a.test', 'cert')])
  folder.write('secret.json', [secret('cert', 'a-rsa')])
  const { tlsPort, adminPort } = proxy
  const shownNow = async () => (await askTls(tlsPort, { servername: 'a.test' })).shown
  await until('the certificate is shown', shownNow, (shown) => shown === 'a.test RSA')
  const expiry = await metric(adminPort, 'weir_certificate_expiry_timestamp_seconds', {
    namespace: 'default',
    secret: 'cert',
  })
  t.equal(expiry, Date.UTC(2120, 0, 1) / 1000)
  t.strictSame(await problemsOf(adminPort), [])

  const open = connect({ port: tlsPort, host: '127.0.0.1', ca, servername: 'a.test' })
  await once(open, 'secureConnect')
  const kept = new Agent({ keepAlive: true, ca, maxSockets: 16 })
  const fresh = new Agent({ keepAlive: false, ca })
  const failed: unknown[] = []
  let served = 0
  let isOver = false
  const once200 = async (agent: Agent) => {
    try {
      const status = await get(agent, tlsPort)
      if (status === 200) served += 1
      else failed.push(status)
    } catch (error) {
      failed.push(error)
    }
  }
  const begun = performance.now()
  // One in ten begins with a handshake of its own.
  const load = atRate(
    500,
    (at) => once200(at % 10 === 0 ? fresh : kept),
    () => isOver,
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const [name, shown] of [
    ['a-ecdsa', 'a.test EC'],
    ['a-rsa', 'a.test RSA'],
    ['a-ecdsa', 'a.test EC'],
  ] as const) {
    folder.write('secret.json', [secret('cert', name)])
    const startedAt = performance.now()
    await until(`${name} is shown`, shownNow, (now) => now === shown)
    t.comment(`shown after ${Math.round(performance.now() - startedAt)} ms`)
  }
  isOver = true
  const seconds = (performance.now() - begun) / 1000
  await load
  t.strictSame(failed, [], `none of ${served} requests failed`)
  t.ok(served > 100, 'there was traffic')
  t.comment(`${Math.round(served / seconds)} requests a second for ${seconds.toFixed(1)} s`)
  open.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
  const [first] = (await once(open, 'data')) as [Buffer]
  t.match(first.toString(), /^HTTP\/1\.1 200 /, 'a connection from before goes on')
  open.destroy()
  for (const agent of [kept, fresh]) agent.destroy()

  folder.remove('secret.json')
  const gone = () => problemsOf(adminPort)
  const problems = await until('it is missed', gone, (found) => found.length > 0)
  t.match(problems, [
    {
      reason: 'certificate-missing',
      kind: 'Ingress',
      name: 'a-test',
      field: 'spec.tls[0].secretName',
      message:
        'The Secret default/cert is not there: a.test gets the default certificate, unless another one is named for it.',
    },
  ])
  const { shown } = await askTls(tlsPort, { servername: 'a.test', rejectUnauthorized: false })
  t.equal(shown, 'Weir default certificate EC')
})

t.test('sessions are resumed by any worker', async (t) => {
  const { proxy } = await start([tlsIngress('a.test', 'cert'), secret('cert', 'a-ecdsa')])
  const client = { servername: 'a.test' }
  const { session } = await askTls(proxy.tlsPort, client)
  const answers = []
  for (let at = 0; at < 20; at += 1)
    answers.push(await askTls(proxy.tlsPort, { ...client, session }))
  t.ok(
    answers.every(({ isResumed }) => isResumed),
    'twenty connections, spread over both workers by the system',
  )
})

t.test('behind a PROXY header', async (t) => {
  const { proxy } = await start(
    [tlsIngress('a.test', 'cert'), secret('cert', 'a-ecdsa')],
    ['--proxy-protocol', 'required', '--proxy-protocol-from', '127.0.0.1/32'],
  )
  const preface = 'PROXY TCP4 203.0.113.7 10.0.0.5 40001 8443\r\n'
  const { text } = await askTls(proxy.tlsPort, { servername: 'a.test', preface })
  const body: { headers: string[] } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
  const field = (name: string) => body.headers[body.headers.indexOf(name) + 1]
  t.equal(field('X-Forwarded-For'), '203.0.113.7')
  t.equal(field('X-Forwarded-Proto'), 'https', 'whatever port the header names')
  t.equal(field('X-Forwarded-Port'), '8443')
  const without = await askTls(proxy.tlsPort, { servername: 'a.test' })
  t.match(without, { text: '' }, 'without the header there is no handshake')
})

t.test(
  'what is wrong with Secrets is said of the Ingresses, and harms no other host',
  async (t) => {
    const { proxy } = await start(
      [
        tlsIngress('a.test', 'good'),
        tlsIngress('b.test', 'good'),
        tlsIngress('c.test', 'expired'),
        tlsIngress('d.test', 'misfit'),
        tlsIngress('e.test', 'text'),
        secret('good', 'a-ecdsa'),
        secret('expired', 'expired'),
        secret('misfit', 'a-ecdsa', 'b-ecdsa'),
        tlsSecret('text', { 'tls.crt': 'hello', 'tls.key': pem('a-rsa.key') }) as KubeObject,
        secret('default', 'wild-ecdsa'),
      ],
      ['--default-certificate', 'default/default'],
    )
    const all = () => problemsOf(proxy.adminPort)
    const problems = await until('all is said', all, (found) => found.length === 4)
    const said = new Map(
      problems.map(({ name, reason, message }) => [name, `${reason}: ${message}`]),
    )
    const then = 'gets the default certificate, unless another one is named for it.'
    t.strictSame(Object.fromEntries(said), {
      'b-test': `certificate-unusable: The certificate of the Secret default/good is for a.test, not for b.test: b.test ${then}`,
      'c-test': `certificate-expired: The certificate of the Secret default/expired expired on 2021-01-01: c.test ${then}`,
      'd-test': `certificate-unusable: The Secret default/misfit has a tls.key that does not fit its tls.crt (for a.test): d.test ${then}`,
      'e-test': `certificate-unusable: The Secret default/text holds no certificate in tls.crt (PEM is expected): e.test ${then}`,
    })
    const good = await askTls(proxy.tlsPort, { servername: 'a.test' })
    t.match(good, { shown: 'a.test EC', error: undefined })
    for (const servername of ['b.test', 'c.test', 'd.test', 'e.test']) {
      const { shown, text } = await askTls(proxy.tlsPort, { servername, rejectUnauthorized: false })
      t.equal(shown, '*.wild.test EC', `${servername} has the default certificate`)
      t.match(text, /^HTTP\/1\.1 200 /)
    }
    t.notMatch(JSON.stringify([problems, proxy.logs, proxy.stderr]), /PRIVATE KEY/)
  },
)

/**
 * Begins `perSecond` of `run` a second, and waits for all of them when it is over. On a machine that cannot keep up it begins fewer: no
 * more than this many are under way.
 */
const mostUnderWay = 100

async function atRate(
  perSecond: number,
  run: (at: number) => Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let begun = 0
  for (let last = performance.now(), due = 0; !isOver(); await delay(10)) {
    const now = performance.now()
    due = Math.min(due + ((now - last) / 1000) * perSecond, mostUnderWay - running.size)
    last = now
    for (; due >= 1; due -= 1) {
      const one = run(begun).finally(() => running.delete(one))
      running.add(one)
      begun += 1
    }
  }
  await Promise.all(running)
}

function get(agent: Agent, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'a.test' }
    const options = { host: '127.0.0.1', port, agent, servername: 'a.test', headers }
    const outgoing = request(options, (response) => {
      response.on('error', reject)
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.resume()
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
