import t from 'tap'
import { observed, wanted } from '../test/fixtures.ts'
import { GroupMemory } from './group-memory.ts'

const nobody = { wanted: [], departures: new Map(), unplaced: [] }
const registration = { target: wanted('a'), reason: '' }
const removal = { target: observed('a', 'healthy'), reason: '', isCounted: true }

t.test('a stale answer does not undo what was just done', async (t) => {
  const memory = new GroupMemory()
  memory.noteRegistered([registration], 0)
  t.match(memory.correct([], 10_000), [{ key: 'a:9999', state: 'initial' }])
  t.match(memory.correct([observed('a', 'draining')], 10_000), [{ state: 'initial' }])
  t.equal(memory.correct([], 30_000).length, 0, 'after half a minute AWS is believed')

  memory.noteDeregistered([removal], 40_000)
  t.match(memory.correct([observed('a', 'healthy')], 50_000), [{ state: 'draining' }])
  t.match(memory.correct([observed('a', 'healthy')], 100_000), [{ state: 'healthy' }])
})

t.test('once AWS shows a new target, taking it out by hand is seen at once', async (t) => {
  const memory = new GroupMemory()
  memory.noteRegistered([registration], 0)
  memory.correct([observed('a', 'initial')], 1_000)
  t.match(memory.correct([observed('a', 'draining')], 2_000), [{ state: 'draining' }])
})

t.test('waits begin when a target is first missing and end when it is healthy', async (t) => {
  const memory = new GroupMemory()
  const targets = { ...nobody, wanted: [wanted('a')] }
  memory.note(targets, [], 5)
  memory.note(targets, [observed('a', 'initial')], 10)
  t.equal(memory.pendingSince.get('a:9999'), 5)
  memory.note(targets, [observed('a', 'healthy')], 15)
  t.equal(memory.pendingSince.size, 0)
})

t.test('removals are remembered for the guard for a minute', async (t) => {
  const memory = new GroupMemory()
  memory.noteDeregistered([removal, { ...removal, isCounted: false }], 0)
  t.equal(memory.removals.length, 1)
  memory.note(nobody, [], 60_000)
  t.equal(memory.removals.length, 0)
})

t.test('the pod behind a target is known until the target is gone', async (t) => {
  const memory = new GroupMemory()
  memory.note({ ...nobody, wanted: [wanted('a')] }, [], 0)
  memory.note(nobody, [observed('a', 'healthy')], 1)
  t.match(memory.podOf('a:9999'), { name: 'proxy-a' })
  memory.gone.add('a:9999')
  memory.note(nobody, [], 2)
  t.equal(memory.podOf('a:9999'), undefined)
  t.equal(memory.gone.size, 0)
})
