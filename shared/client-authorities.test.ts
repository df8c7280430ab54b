// Which entries of a Secret can clients be verified by, and what is said of those that cannot?
import { readFileSync } from 'node:fs'
import t from 'tap'
import { authorityFault, pairFault } from './authorities.ts'
import { clientAuthoritiesFault, readClientAuthorities } from './client-authorities.ts'

const file = (name: string) =>
  readFileSync(new URL(`testing/tls/${name}`, import.meta.url), 'latin1')
const ca = file('first-ca.pem')
const cert = file('first-server.pem')
const key = file('first-server.key')
const broken = ca.replace(/\n[A-Za-z0-9+/]{20}/, '\n!!!!')

const authorities = [
  { data: { 'ca.crt': ca }, fault: undefined, why: 'an authority' },
  { data: { 'ca.crt': ca + file('second-ca.pem') }, fault: undefined, why: 'two of them' },
  { data: { 'tls.crt': cert }, fault: /^it has no ca\.crt to verify by$/, why: 'none' },
  { data: { 'ca.crt': '' }, fault: /^its ca\.crt holds no certificates/, why: 'an empty one' },
  { data: { 'ca.crt': 'no PEM' }, fault: /^its ca\.crt holds no certificates/, why: 'a text' },
  { data: { 'ca.crt': broken }, fault: /^its ca\.crt holds no certificates/, why: 'a broken one' },
  { data: { 'ca.crt': key }, fault: /^its ca\.crt holds no certificates/, why: 'a key' },
]

for (const { data, fault, why } of authorities) {
  t.test(`authorities: ${why}`, async (t) => {
    for (const said of [authorityFault(data), clientAuthoritiesFault(data)]) {
      if (fault === undefined) t.equal(said, undefined)
      else t.match(said, fault)
    }
    t.equal(readClientAuthorities(data) === undefined, fault !== undefined)
    t.notMatch(JSON.stringify(authorityFault(data) ?? ''), /PRIVATE/)
  })
}

t.test('a list of what is revoked that is none', async (t) => {
  const data = { 'ca.crt': ca, 'ca.crl': 'no PEM' }
  t.match(clientAuthoritiesFault(data), /^its ca\.crl holds no list/)
  t.equal(readClientAuthorities(data), undefined, 'nobody is let in without looking at it')
})

const pairs = [
  { data: { 'tls.crt': cert, 'tls.key': key }, fault: undefined },
  { data: { 'tls.crt': cert }, fault: /^it has no tls\.crt with tls\.key/ },
  { data: { 'tls.crt': cert, 'tls.key': file('second-server.key') }, fault: /do not fit/ },
  { data: { 'tls.crt': 'x', 'tls.key': key }, fault: /cannot be read/ },
]

for (const { data, fault } of pairs) {
  t.test(`pairs: ${fault ?? 'good'}`, async (t) => {
    const said = pairFault(data)
    if (fault === undefined) t.equal(said, undefined)
    else t.match(said, fault)
  })
}
