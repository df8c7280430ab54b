import t from 'tap'
import type { CertificateClaim } from './certificates.ts'
import { SettledCertificates } from './settled-certificates.ts'
import { entriesOf } from './sharded-map.ts'
import type { Reading } from './source.ts'

function claim(name: string, rest: Partial<CertificateClaim> = {}): CertificateClaim {
  const owner = { kind: 'Ingress', namespace: 'shop', name }
  const ref = { secret: `shop/${name}`, owner, field: 'spec.tls[0].secretName' }
  return { host: 'a.test', ref, createdAt: 1, ...rest }
}

const reading = (...certificates: CertificateClaim[]): Reading => ({
  claims: [],
  problems: [],
  certificates,
})

const orders: readonly { claims: readonly CertificateClaim[]; is: string; why: string }[] = [
  { claims: [claim('b', { createdAt: 2 }), claim('c')], is: 'c b', why: 'the oldest goes first' },
  { claims: [claim('b'), claim('a')], is: 'a b', why: 'of the same age the first by name' },
  {
    claims: [claim('a', { isLaterNameFirst: true }), claim('b', { isLaterNameFirst: true })],
    is: 'b a',
    why: 'with ingress-nginx the last',
  },
  {
    claims: [claim('a', { isWithoutRule: true }), claim('b', { createdAt: 9 })],
    is: 'b a',
    why: 'who has a rule for the host goes before who only lists it, however old',
  },
  {
    claims: [claim('a', { createdAt: Number.POSITIVE_INFINITY }), claim('b', { createdAt: 9 })],
    is: 'b a',
    why: 'a draft comes last',
  },
]

for (const { claims, is, why } of orders) {
  t.test(why, async (t) => {
    for (const list of [claims, claims.toReversed()]) {
      const settled = new SettledCertificates()
      for (const each of list) settled.replace([], [reading(each)])
      const [entry] = settled.hosts === undefined ? [] : entriesOf(settled.hosts)
      t.equal(entry?.[1].map(({ owner }) => owner.name).join(' '), is)
    }
  })
}

t.test('what comes and goes', async (t) => {
  const settled = new SettledCertificates()
  t.equal(settled.hosts, undefined, 'nothing yet')
  const a = reading(claim('a'), claim('a', { host: 'b.test' }))
  const b = reading(claim('b'))
  settled.replace([], [a, b])
  const before = settled.hosts
  settled.replace([{ claims: [], problems: [] }], [{ claims: [], problems: [] }])
  t.equal(settled.hosts, before, 'an Ingress without TLS changes nothing')
  settled.replace([a], [])
  const shown = settled.hosts && [...entriesOf(settled.hosts)]
  t.match(shown, [['a.test', [{ secret: 'shop/b' }]]])
  t.equal(shown?.length, 1)
  settled.replace([b], [])
  t.equal(settled.hosts, undefined, 'and nothing again')
})
