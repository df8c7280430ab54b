import { readFileSync } from 'node:fs'
import t from 'tap'
import type { NamedObject, NamedObjects } from '../../../shared/feed/named-objects.ts'
import type { KubeObject } from '../../../shared/kube/objects.ts'
import type { Problem } from '../../../shared/problem.ts'
import type { CertificateRef } from '../../../shared/routing/certificates.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { CertificateKeeper } from './certificates.ts'

const file = (name: string) =>
  readFileSync(new URL(`../../../test/support/certificates/${name}`, import.meta.url))

function secret(name: string): KubeObject {
  const data = {
    'tls.crt': file(`${name}.crt`).toString('base64'),
    'tls.key': file(`${name}.key`).toString('base64'),
    // As cert-manager writes it.
    'ca.crt': file('ca.crt').toString('base64'),
  }
  return { kind: 'Secret', data } as KubeObject
}

/** Objects that a test gives by hand; who is followed shows. */
class HandObjects implements NamedObjects {
  readonly followed = new Map<string, Parameters<NamedObjects['follow']>>()

  follow(...given: Parameters<NamedObjects['follow']>): () => void {
    const key = keyOf(given[0])
    this.followed.set(key, given)
    return () => void this.followed.delete(key)
  }

  give(name: string, object: KubeObject | undefined): void {
    this.followed.get(name)?.[1](object)
  }

  refuse(name: string, problem: Problem | undefined): void {
    this.followed.get(name)?.[2](problem)
  }
}

function keyOf({ kind, namespace, name }: NamedObject): string {
  return `${kind} ${namespace}/${name}`
}

function ref(name: string, rest: Partial<CertificateRef> = {}): CertificateRef {
  const owner = { kind: 'Ingress', namespace: 'shop', name: 'web' }
  return { secret: `shop/${name}`, owner, field: 'spec.tls[0].secretName', ...rest }
}

function start(now = Date.UTC(2026, 0, 1), defaultCertificate?: string) {
  const objects = new HandObjects()
  const clock = new ManualClock(now)
  const sent: string[] = []
  let told = 0
  const keeper = new CertificateKeeper({
    clock,
    objects,
    defaultCertificate,
    onCertificate: (name, data) => sent.push(`${name} ${data === undefined ? 'gone' : 'there'}`),
    onProblems: () => {
      told += 1
    },
  })
  const want = (hosts: Readonly<Record<string, readonly CertificateRef[]>>) =>
    keeper.noteDelta({
      version: 1,
      hosts: new Map(),
      upstreams: new Map(),
      certificates: new Map(Object.entries(hosts)),
    })
  const messages = () => keeper.problems.map(({ message }) => message)
  return { objects, clock, sent, keeper, want, messages, told: () => told }
}

t.test('only what a host names is followed, and forgotten with the last one', async (t) => {
  const { objects, sent, keeper, want } = start()
  want({ 'a.test': [ref('s')], 'b.test': [ref('s')] })
  t.strictSame([...objects.followed.keys()], ['Secret shop/s'], 'once, for both hosts')
  objects.give('Secret shop/s', secret('a-ecdsa'))
  objects.give('Secret shop/s', secret('a-ecdsa'))
  t.strictSame(sent, ['shop/s there'], 'told once while it is the same')
  t.strictSame(
    [...keeper.all()].map(([name]) => name),
    ['', 'shop/s'],
    'a worker that starts now gets it, and the one that Weir makes',
  )
  t.strictSame(
    [...keeper.all()].map(([, data]) => Object.keys(data).join()),
    ['tls.crt,tls.key', 'tls.crt,tls.key'],
    'no more than it needs',
  )
  t.match([...keeper.expiries()], [{ namespace: 'shop', secret: 's' }])
  want({ 'a.test': [] })
  t.equal(objects.followed.size, 1)
  want({ 'b.test': [ref('other')] })
  t.strictSame([...objects.followed.keys()], ['Secret shop/other'])
  t.strictSame(sent, ['shop/s there', 'shop/s gone'])
  t.strictSame([...keeper.expiries()], [])
  keeper.stop()
  t.equal(objects.followed.size, 0)
})

t.test('what cannot be served does not reach workers', async (t) => {
  const { objects, sent, want, messages } = start()
  want({ 'a.test': [ref('s')] })
  t.strictSame(messages(), [], 'nothing is said before it was looked for')
  objects.give('Secret shop/s', undefined)
  t.match(messages(), [/^The Secret shop\/s is not there: a\.test gets the default certificate/])
  objects.give('Secret shop/s', { kind: 'Secret' } as KubeObject)
  t.match(messages(), [/^The Secret shop\/s has no tls\.crt: /])
  objects.give('Secret shop/s', { kind: 'Secret', data: null } as unknown as KubeObject)
  t.match(messages(), [/^The Secret shop\/s has no tls\.crt: /])
  t.strictSame(sent, [])
  objects.give('Secret shop/s', secret('a-ecdsa'))
  t.strictSame(messages(), [])
  objects.give('Secret shop/s', secret('b-ecdsa'))
  t.match(messages(), [
    /^The certificate of the Secret shop\/s is for b\.test, not for a\.test: a\.test gets the default certificate/,
  ])
  t.strictSame(sent, ['shop/s there', 'shop/s there'], 'other hosts may name it')
})

t.test('who only tries a certificate hears nothing of other hosts, but of its lack', async (t) => {
  const { objects, want, messages } = start()
  want({ 'c.test': [ref('s', { isTried: true })] })
  objects.give('Secret shop/s', secret('b-ecdsa'))
  t.strictSame(messages(), [])
  objects.give('Secret shop/s', undefined)
  t.strictSame(messages(), ['The Secret shop/s is not there: it is not shown.'])
})

t.test('a certificate expires while it is served', async (t) => {
  const { objects, clock, want, messages, told } = start(Date.UTC(2020, 11, 31, 23, 59, 30))
  want({ 'a.test': [ref('s')] })
  objects.give('Secret shop/s', secret('expired'))
  t.strictSame(messages(), [])
  const before = told()
  clock.advance(60_000)
  t.match(messages(), [
    /^The certificate of the Secret shop\/s expired on 2021-01-01: a\.test gets/,
  ])
  t.ok(told() > before)
})

t.test('one that is not good yet', async (t) => {
  const { objects, want, messages } = start(Date.UTC(2019, 0, 1))
  want({ 'a.test': [ref('s')] })
  objects.give('Secret shop/s', secret('a-ecdsa'))
  t.match(messages(), [/is not good before 2020-01-01: a\.test gets the default certificate/])
})

t.test('a right that is missing, and one that is taken away', async (t) => {
  const { objects, want, keeper } = start()
  const refusal: Problem = {
    reason: 'missing-permission',
    kind: 'Secret',
    namespace: 'shop',
    name: 's',
    field: '',
    message: '',
    remedy: 'Set proxy.secrets.',
  }
  want({ 'a.test': [ref('s')] })
  objects.refuse('Secret shop/s', refusal)
  t.match(keeper.problems, [
    {
      reason: 'certificate-missing',
      message: /^The Secret shop\/s may not be read by the proxy: a\.test gets the default/,
      remedy: 'Set proxy.secrets.',
    },
  ])
  objects.refuse('Secret shop/s', undefined)
  objects.give('Secret shop/s', secret('a-ecdsa'))
  t.strictSame(keeper.problems, [])
  objects.refuse('Secret shop/s', refusal)
  t.match(keeper.problems, [{ message: /may no longer be read by the proxy: what was read last/ }])
})

t.test('the default certificate is followed always', async (t) => {
  const { objects, keeper, want, messages } = start(undefined, 'edge/wild')
  t.strictSame([...objects.followed.keys()], ['Secret edge/wild'])
  objects.give('Secret edge/wild', undefined)
  t.match(keeper.problems, [
    {
      kind: 'Secret',
      namespace: 'edge',
      name: 'wild',
      message: 'The Secret edge/wild is not there: the self-signed certificate is the default.',
    },
  ])
  objects.give('Secret edge/wild', secret('wild-ecdsa'))
  t.strictSame(messages(), [])
  want({ 'x.wild.test': [ref('s', { secret: 'edge/wild' })] })
  want({ 'x.wild.test': [] })
  t.equal(objects.followed.size, 1, 'whether or not a host names it')
})
