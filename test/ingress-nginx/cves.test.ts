// What became of the holes of ingress-nginx? Each of them as it was used, against the real program: nothing of the attack has an effect,
// its object's owner is told, other routes do not notice, and no secret is shown.
import { connect, constants } from 'node:http2'
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { ask, askAdmin, until } from '../support/ask.ts'
import { connectRaw } from '../support/raw-client.ts'
import { fieldOf } from './application.ts'
import { attackerOf, attacks, hash, only } from './attacks.ts'
import { faultsOf } from './exchange.ts'
import { siteOf } from './site.ts'
import { startStage, tlsPort } from './stage.ts'

t.test('holes of ingress-nginx', async (t) => {
  const users = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'users', namespace: 'default' },
    ...{ stringData: { auth: `ann:${hash}`, 'ca.crt': 'no certificate' } },
  }
  const guarded = only('guarded', { 'auth-type': 'basic', 'auth-secret': 'users' })
  const stage = await startStage(t, {
    objects: [
      ...[siteOf(only('beside')), siteOf(guarded), users],
      ...attacks.flatMap((attack) => [attackerOf(attack), ...(attack.objects ?? [])]),
    ],
    services: ['web', 'other', 'auth', 'shadow'],
    flags: ['--h2c', ...tlsPort],
  })
  const problems = await until(
    'what ConfigMaps hold is known',
    () => stage.problems(),
    (each) => each.some(({ reason }) => reason === 'asset-unusable'),
  )
  const seen: string[] = []
  for (const attack of attacks) {
    const { cve, site, outcome, told, exchanges = [], lesson } = attack
    await t.test(`${cve}: ${lesson}`, async (t) => {
      const own = problems.filter(({ name }) => name === site.name)
      const words = own.map(({ field, message, remedy }) => `${field} ${message} ${remedy}`)
      if (told !== undefined)
        t.ok(
          words.some((text) => told.test(text)),
          `${words}`,
        )
      else if (outcome !== 'left out') t.same(words, [], 'nothing is wrong with it')
      t.ok(words.join('').length < 2000, 'its owner gets no more than a page')
      const url = `${site.name}.test/`
      if (outcome === 'closed') {
        t.same(await faultsOf(stage, { url, status: 503, says: 'policy-closed' }), [])
      } else if (outcome === 'ignored' && exchanges.length === 0) {
        t.same(await faultsOf(stage, { url, status: 200, by: 'web' }), [])
      }
      for (const exchange of exchanges) t.same(await faultsOf(stage, exchange), [], exchange.url)
      const { status, body } = await ask(stage.proxy.port, { host: 'beside.test' })
      t.equal(status, 200, 'another route is served')
      seen.push(body)
    })
  }

  await t.test('no application was asked for what the attacks asked for', async (t) => {
    t.same(
      stage.seenBy('web').filter(({ target }) => target.startsWith('/secret')),
      [],
      'nobody came past the authentication',
    )
    const copies = stage.seenBy('shadow').map((sight) => fieldOf(sight, 'host'))
    t.same([...new Set(copies)], ['shadow.default.svc.cluster.local'], 'copies have a host')
    t.same(stage.seenBy('other'), [], 'no rule that was left out serves')
  })

  await t.test('nothing secret is shown: routes, problems, metrics, log', async (t) => {
    await ask(stage.proxy.port, { host: 'guarded.test', fields: [`Authorization: Basic ${hash}`] })
    const pages = ['/routes', '/routes?problems', '/metrics']
    const shown = await Promise.all(
      pages.map(async (path) => (await askAdmin(stage.proxy.adminPort, path)).body),
    )
    for (const text of [...shown, stage.proxy.stderr, ...stage.proxy.lines, ...seen]) {
      t.notOk(text.includes(hash), 'no hash of a password')
      t.notOk(/root:x:0/.test(text), 'no file of the machine')
    }
  })

  await t.test(
    'CVE-2025-1974, CVE-2026-24514: nothing takes objects from the network',
    async (t) => {
      const { port, adminPort } = stage.proxy
      const review = JSON.stringify({ kind: 'AdmissionReview', request: { object: {} } })
      const post = { host: 'admission.test', path: '/networking/v1/ingresses', method: 'POST' }
      t.equal((await ask(port, { ...post, body: review })).status, 404, 'not the data port')
      const answer = await askAdmin(adminPort, post.path, 'POST')
      t.ok(answer.status === 404 || answer.status === 405, `not the admin port: ${answer.status}`)
    },
  )

  await t.test('CVE-2026-24514: a body without an end is not kept', async (t) => {
    const client = await connectRaw(stage.proxy.adminPort)
    t.teardown(() => client.close())
    client.send('POST /routes HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n')
    client.send('x'.repeat(1 << 20))
    await eventually('the connection is closed', () => client.ended !== 'open')
  })

  await t.test(
    'CVE-2023-44487: who opens and resets streams without end is sent away',
    async (t) => {
      const session = connect(`http://127.0.0.1:${stage.proxy.port}`)
      t.teardown(() => session.destroy())
      session.on('error', () => undefined)
      let opened = 0
      while (!session.closed && !session.destroyed && opened < 50_000) {
        const stream = session.request({ ':path': '/', ':authority': 'beside.test' })
        stream.on('error', () => undefined)
        stream.close(constants.NGHTTP2_CANCEL)
        opened += 1
        if (opened % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      t.ok(opened < 50_000, `sent away after ${opened} streams`)
      t.equal((await ask(stage.proxy.port, { host: 'beside.test' })).status, 200, 'others stay')
    },
  )
})
