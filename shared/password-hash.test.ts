// Vectors of other programs: Apache htpasswd 2.4 and openssl passwd.
import t from 'tap'
import { fitsHash, isKnownHash } from './password-hash.ts'

const vectors = [
  { hash: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', password: 'secret', why: 'htpasswd -s' },
  {
    hash: '$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/',
    password: 'myPassword',
    why: 'Apache’s documentation of password formats',
  },
  {
    hash: '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC',
    password: 'myPassword',
    why: 'Apache’s documentation of password formats',
  },
]

for (const { hash, password, why } of vectors) {
  t.test(`${hash.slice(0, 10)}… fits its password alone: ${why}`, async (t) => {
    t.ok(isKnownHash(hash))
    t.ok(fitsHash(hash, password))
    t.notOk(fitsHash(hash, `${password}x`))
    t.notOk(fitsHash(hash, ''))
  })
}

t.test('what is no hash fits nothing', async (t) => {
  for (const hash of ['', 'secret', '{CRYPT}x', '$1$x$y', '$2y$', '$apr1$', '$5$x$y']) {
    t.notOk(fitsHash(hash, 'secret'), hash)
    t.notOk(fitsHash(hash, ''), hash)
    t.notOk(isKnownHash(hash), hash)
  }
})

t.test('bcrypt never takes a long password for its first 72 bytes', async (t) => {
  const hash = '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'
  t.notOk(fitsHash(hash, 'a'.repeat(73)))
})
