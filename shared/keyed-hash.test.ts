import t from 'tap'
import { createKeyedHash, type KeyedHash } from './keyed-hash.ts'

// vectors_hsip64 of the reference implementation (github.com/veorq/SipHash): key 00 01 … 07, input 00 01 02 … of each length.
// Code units are two bytes, so only even lengths can be written as a text.
const vectors = [
  { bytes: 0, hash: '218d1f59b9b83cc8' },
  { bytes: 2, hash: '064f39ef7c50eb57' },
  { bytes: 4, hash: 'd5e78a175be52ea1' },
  { bytes: 6, hash: 'ce3e91358aa2bc25' },
  { bytes: 8, hash: 'edfee820bce4858c' },
  { bytes: 10, hash: '95b0469f06a6f2ee' },
  { bytes: 12, hash: '7bc71f9faef5c799' },
  { bytes: 14, hash: '3bb1a870eae8e658' },
  { bytes: 16, hash: '7336aad25f7bf3b5' },
  { bytes: 18, hash: 'c9b2db2b9a3e42f9' },
  { bytes: 20, hash: '1bf52b0a6feea7db' },
  { bytes: 22, hash: 'e20103fa1ba776ef' },
]

const inOrder = createKeyedHash(0x03020100, 0x07060504)

for (const { bytes, hash } of vectors) {
  t.test(`the reference vector of ${bytes} bytes`, async (t) => {
    const units = Array.from({ length: bytes / 2 }, (_, at) => (2 * at) | ((2 * at + 1) << 8))
    t.equal(hashOf(inOrder, String.fromCharCode(...units)), hash)
  })
}

t.test('another key gives other hashes, the same key the same', async (t) => {
  const other = createKeyedHash(1, 2)
  t.not(hashOf(other, 'a'), hashOf(inOrder, 'a'))
  t.equal(hashOf(createKeyedHash(1, 2), 'a'), hashOf(other, 'a'))
})

t.test('each part of a text counts', async (t) => {
  const texts = ['', '\0', '\0\0', 'a', 'ab', 'ba', 'abc', 'ab\0', 'ā', 'a\u0101', '192.0.2.1']
  t.equal(new Set(texts.map((text) => hashOf(inOrder, text))).size, texts.length)
})

function hashOf(keyed: KeyedHash, text: string): string {
  keyed.hash(text)
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(keyed.low, 0)
  bytes.writeInt32LE(keyed.high, 4)
  return bytes.toString('hex')
}
