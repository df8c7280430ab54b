import t from 'tap'
import { type Applied, createObjectStore, isOlderVersion } from './object-store.ts'
import type { KubeObject } from './objects.ts'

const object = (name: string, resourceVersion?: string, uid?: string): KubeObject => ({
  metadata: {
    name,
    namespace: 'shop',
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  },
})

/** Events at a store that knows `a` at version 20 with the uid u, and a history up to 30. */
const events: {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly expected: Applied
  readonly why: string
}[] = [
  { type: 'ADDED', object: object('b', '31'), expected: 'changed', why: 'something new' },
  { type: 'MODIFIED', object: object('a', '31', 'u'), expected: 'changed', why: 'a new version' },
  { type: 'ADDED', object: object('a', '31', 'v'), expected: 'changed', why: 'another uid' },
  { type: 'MODIFIED', object: object('a', '20', 'u'), expected: 'ignored', why: 'sent again' },
  { type: 'MODIFIED', object: object('a', '19', 'u'), expected: 'older', why: 'history goes back' },
  { type: 'ADDED', object: object('b', '29'), expected: 'older', why: 'history goes back' },
  { type: 'DELETED', object: object('a', '31', 'u'), expected: 'changed', why: 'its end' },
  { type: 'DELETED', object: object('a'), expected: 'changed', why: 'its end, bare' },
  { type: 'DELETED', object: object('a', '31', 'w'), expected: 'ignored', why: 'that of another' },
  { type: 'DELETED', object: object('a', '25', 'u'), expected: 'older', why: 'history goes back' },
  { type: 'DELETED', object: object('b', '31'), expected: 'ignored', why: 'nothing is there' },
]

for (const { type, object: sent, expected, why } of events) {
  t.test(`${type} of ${JSON.stringify(sent.metadata)} is ${expected}: ${why}`, async (t) => {
    const store = createObjectStore()
    store.replace([object('a', '20', 'u')])
    t.equal(store.apply(type, sent, '30'), expected)
    if (expected !== 'changed') {
      t.equal(store.items.get('shop/a')?.metadata?.resourceVersion, '20')
      t.equal(store.items.size, 1)
    }
  })
}

t.test('a list replaces everything and keeps what is the same', async (t) => {
  const store = createObjectStore()
  const a = object('a', '1', 'u')
  t.equal(store.replace([a, object('b', '2', 'u')]), true)
  t.equal(store.replace([object('a', '1', 'u'), object('b', '2', 'u')]), false)
  t.equal(store.items.get('shop/a'), a)
  t.equal(store.replace([object('a', '1', 'other'), object('b', '2', 'u')]), true, 'another uid')
  t.equal(store.replace([object('b', '2', 'u')]), true)
  t.strictSame([...store.items.keys()], ['shop/b'])
})

t.test('versions compare as whole numbers of any length; others are never older', async (t) => {
  const big = '9'.repeat(40)
  t.ok(isOlderVersion('9', '10'))
  t.ok(isOlderVersion('10', big))
  t.notOk(isOlderVersion('10', '10'))
  t.notOk(isOlderVersion(big, '10'))
  for (const odd of [undefined, '', 'abc', '010', '-1', '1.5']) t.notOk(isOlderVersion(odd, '99'))
  t.notOk(isOlderVersion('1', 'abc'))
})
