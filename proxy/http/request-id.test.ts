import t from 'tap'
import { createRequestIdSource, isRequestId } from './request-id.ts'

const ids = [
  { id: 'Root=1-67891233-abcdef012345678912345678', is: true, why: 'an Amazon trace id' },
  { id: '0af7651916cd43dd8448eb211c80319c', is: true, why: '32 hex digits' },
  { id: '550e8400-e29b-41d4-a716-446655440000', is: true, why: 'a UUID' },
  { id: 'a'.repeat(128), is: true, why: '128 characters' },
  { id: 'a'.repeat(129), is: false, why: 'longer' },
  { id: '', is: false, why: 'empty' },
  { id: 'a b', is: false, why: 'a space' },
  { id: 'a"b', is: false, why: 'a quote' },
  { id: '$(jndi)', is: false, why: 'harmless characters only' },
  { id: 'a\nb', is: false, why: 'a line end' },
  { id: 'a\n', is: false, why: 'a line end at the end' },
  { id: '\u00e9', is: false, why: 'not ASCII' },
]

for (const { id, is, why } of ids) {
  t.test(`${JSON.stringify(id.slice(0, 40))} is ${is ? 'kept' : 'replaced'}: ${why}`, async (t) => {
    t.equal(isRequestId(id), is)
  })
}

t.test('ids are 32 hex digits, well formed, and differ, also past a new seed', async (t) => {
  let seeds = 0
  const create = createRequestIdSource((size) => {
    seeds += 1
    return Buffer.alloc(size, seeds * 37)
  })
  const seen = new Set<string>()
  for (let i = 0; i < 140_000; i += 1) seen.add(create())
  t.equal(seen.size, 140_000)
  t.equal(seeds, 3)
  for (const id of [...seen].slice(0, 100)) {
    t.match(id, /^[0-9a-f]{32}$/)
    t.ok(isRequestId(id))
  }
})

t.test('any random bytes make ids', async (t) => {
  for (const byte of [0, 255]) {
    t.match(createRequestIdSource((size) => Buffer.alloc(size, byte))(), /^[0-9a-f]{32}$/)
  }
})
