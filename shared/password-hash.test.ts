// Vectors of other programs: Apache htpasswd 2.4, openssl passwd, and crypt(3) of glibc.
import t from 'tap'
import { fitsHash } from './password-hash.ts'

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
  { hash: '{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0', password: 'secret', why: 'openssl dgst' },
  { hash: '{PLAIN}secret', password: 'secret', why: 'as it is' },
  { hash: 'abNANd1rDfiNc', password: 'secret', why: 'DES' },
  { hash: '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1', password: 'secret', why: 'MD5' },
  {
    hash: '$5$saltstring$C3o4O1TC6aRHF4FI.QSZMXtHbaj2gSXr4sUc/3NcUi.',
    password: 'secret',
    why: 'SHA-256',
  },
  {
    hash: '$5$rounds=10000$saltstringsaltst$nRVJUfBu7b60x4u50TScFun8GLsggmlJvebgklaft49',
    password: 'secret',
    why: 'SHA-256 with rounds and a salt that was cut',
  },
  {
    hash: '$6$saltstring$AIsRs/Ee56G/tC8MEHhvReZTfx8u3rXXMl6eYrjCG9ibix19DxoMBLogdTET5Ukw9Sf7eZTITsuk0Ry5qulYz.',
    password: 'secret',
    why: 'SHA-512',
  },
  {
    hash: '$6$rounds=1400$anotherlongsalts$Twf2eP6WMY29NT9yg1Nff0x6Ul/TWD9vkV2VVPyEX7uifmXI0FHGx3rX27ttfZtfB9phxv3003yyBPq3nGFb8.',
    password: 'secret',
    why: 'SHA-512 with rounds',
  },
]

for (const { hash, password, why } of vectors) {
  t.test(`${hash.slice(0, 10)}… fits its password alone: ${why}`, async (t) => {
    t.ok(fitsHash(hash, password))
    t.notOk(fitsHash(hash, `${password}x`))
    t.notOk(fitsHash(hash, ''))
  })
}

t.test('what is no hash fits nothing', async (t) => {
  for (const hash of ['', 'secret', '{CRYPT}x', '$1$x$y', '$2y$', '$apr1$', '$5$x$y']) {
    t.notOk(fitsHash(hash, 'secret'), hash)
    t.notOk(fitsHash(hash, ''), hash)
  }
})

t.test('work without bounds is not done', async (t) => {
  const long = 'a'.repeat(257)
  t.notOk(fitsHash('$5$y$CC1HtHE08HpXxKX', long))
  t.notOk(fitsHash('$6$rounds=999999999$salt$x', 'secret'))
})

t.test('bcrypt never takes a long password for its first 72 bytes', async (t) => {
  const hash = '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'
  t.notOk(fitsHash(hash, 'a'.repeat(73)))
})
