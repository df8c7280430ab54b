import { readFileSync } from 'node:fs'
import t from 'tap'
import { readIdentity, readServableIdentity, shownNames } from './identity.ts'

const file = (name: string) =>
  readFileSync(new URL(`../test/support/certificates/${name}`, import.meta.url), 'latin1')
const entries = (cert: string, key = cert) => ({
  'tls.crt': file(`${cert}.crt`),
  'tls.key': file(`${key}.key`),
})

t.test('what a certificate says', async (t) => {
  const rows = [
    { name: 'a-ecdsa', keyType: 'ec', names: ['a.test'], until: '2120-01-01' },
    { name: 'a-rsa', keyType: 'rsa', names: ['a.test'], until: '2120-01-01' },
    { name: 'wild-ecdsa', keyType: 'ec', names: ['*.wild.test'], until: '2120-01-01' },
    { name: 'expired', keyType: 'ec', names: ['a.test'], until: '2021-01-01' },
    { name: 'chained', keyType: 'ec', names: ['chained.test'], until: '2120-01-01' },
    { name: 'client-good', keyType: 'ec', names: ['client-good'], until: '2120-01-01' },
  ]
  for (const { name, keyType, names, until } of rows) {
    const reading = readServableIdentity(entries(name))
    t.ok(reading.ok, name)
    if (!reading.ok) continue
    const { identity } = reading
    t.match(identity, { keyType, names }, name)
    t.equal(new Date(identity.validTo).toISOString().slice(0, 10), until)
    t.equal(new Date(identity.validFrom).toISOString().slice(0, 10), '2020-01-01')
  }
})

t.test('which hosts a certificate is for', async (t) => {
  const rows = [
    { name: 'a-ecdsa', host: 'a.test', is: true, why: 'its name' },
    { name: 'a-ecdsa', host: 'b.test', is: false, why: 'another one' },
    { name: 'a-ecdsa', host: 'x.a.test', is: false, why: 'a host under it' },
    { name: 'wild-ecdsa', host: 'x.wild.test', is: true, why: 'one label under a wildcard' },
    { name: 'wild-ecdsa', host: 'x.y.wild.test', is: false, why: 'two labels' },
    { name: 'wild-ecdsa', host: 'wild.test', is: false, why: 'the name without a label' },
    { name: 'wild-ecdsa', host: '*.wild.test', is: true, why: 'all that the wildcard is for' },
    { name: 'a-ecdsa', host: '*.a.test', is: false, why: 'a wildcard needs one' },
  ]
  for (const { name, host, is, why } of rows) {
    const reading = readIdentity(entries(name))
    t.equal(reading.ok && reading.identity.covers(host), is, `${name} for ${host}: ${why}`)
  }
})

t.test('what is none, and why', async (t) => {
  const good = entries('a-ecdsa')
  const broken = `${good['tls.crt']}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`
  const rows = [
    { data: {}, why: /^has no tls\.crt$/ },
    { data: { ...good, 'tls.crt': '' }, why: /^has no tls\.crt$/ },
    { data: { 'tls.crt': good['tls.crt'] }, why: /^has no tls\.key$/ },
    { data: { ...good, 'tls.crt': 'text' }, why: /^holds no certificate in tls\.crt/ },
    { data: { ...good, 'tls.crt': good['tls.key'] }, why: /^holds no certificate in tls\.crt/ },
    { data: { ...good, 'tls.key': 'text' }, why: /^holds no private key in tls\.key/ },
    { data: { ...good, 'tls.key': good['tls.crt'] }, why: /^holds no private key in tls\.key/ },
    { data: entries('a-ecdsa', 'a-rsa'), why: /does not fit its tls\.crt \(for a\.test\)$/ },
    { data: entries('a-ecdsa', 'b-ecdsa'), why: /does not fit its tls\.crt \(for a\.test\)$/ },
    {
      data: { ...good, 'tls.crt': broken },
      why: /^has a certificate that OpenSSL does not take \(/,
    },
  ]
  for (const { data, why } of rows) {
    const reading = readServableIdentity(data)
    t.match(reading, { ok: false, why })
    t.notMatch(JSON.stringify(reading), /PRIVATE KEY/)
  }
})

t.test('names for a sentence', async (t) => {
  t.equal(shownNames([]), 'for no host')
  t.equal(shownNames(['a.test', 'b.test']), 'for a.test, b.test')
  t.equal(shownNames(['1', '2', '3', '4', '5', '6', '7']), 'for 1, 2, 3, 4, 5 and 2 more')
})
