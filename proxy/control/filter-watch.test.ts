// Who hears of a filter that holds up the threads, and what becomes of it when its pause is over?
import t from 'tap'
import type { Log } from '../../shared/log.ts'
import { emptyMap, withEntries } from '../../shared/routing/sharded-map.ts'
import { emptyTable, type Route } from '../../shared/routing/table.ts'
import { routeOf } from '../../shared/routing/testing/route.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type ClosedFilters, FilterWatch } from './filter-watch.ts'

/** A watch over a table in which a uses `slow`, b uses both, and c none. */
function start() {
  const clock = new ManualClock()
  const lines: unknown[] = []
  const note = (fields: unknown, message: string) => void lines.push([message, fields])
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const told: ClosedFilters[] = []
  const stuck: string[] = []
  const routes = [
    routeOf({ host: 'a.test', name: 'a', filters: [{ kind: 'slow' }] }),
    routeOf({ host: 'b.test', name: 'b', filters: [{ kind: 'slow' }, { kind: 'other' }] }),
    routeOf({ host: 'c.test', name: 'c' }),
  ]
  const hosts = withEntries(
    emptyMap<readonly Route[]>(),
    routes.map((route) => [route.match.host, [route]] as const),
  )
  const watch = new FilterWatch({
    clock,
    log,
    table: () => ({ ...emptyTable, hosts }),
    onClosed: (closed) => void told.push(closed),
    onProblems: () => {},
    onStuck: (filter) => void stuck.push(filter),
  })
  // The table is in no order.
  const namesOf = () =>
    watch.problems.map(({ name, message }) => [name, message.split(' ')[2]]).sort()
  return { clock, lines, told, stuck, watch, namesOf }
}

const busy = { running: undefined, isCompiling: false, waiting: [] }

t.test('a filter that never returned is closed in all workers, then tried again', async (t) => {
  const { clock, lines, told, stuck, watch, namesOf } = start()
  watch.noteStuck(3, { ...busy, running: 'slow', waiting: ['other'] })
  t.same(stuck, ['slow'], 'it ran, so the one that waited is not suspected')
  t.same(told, [{ filters: ['slow'], uncompiled: [] }])
  t.same(namesOf(), [
    ['a', 'slow'],
    ['b', 'slow'],
  ])
  t.match(lines, [
    [/does not answer/, { worker: 3, filter: 'slow' }],
    [/is closed/, { filter: 'slow', seconds: 60 }],
  ])
  clock.advance(59_000)
  t.equal(told.length, 1)
  clock.advance(2000)
  t.same(told[1], { filters: [], uncompiled: [] })
  t.same(namesOf(), [])
  t.match(lines[2], [/tried again/, { filter: 'slow' }])
  watch.stop()
})

t.test('who waited is suspected when nobody’s code is known to run', async (t) => {
  const { told, stuck, watch } = start()
  watch.noteStuck(0, { ...busy, waiting: ['slow', 'other'] })
  t.same(stuck, ['slow', 'other'])
  t.same(told.at(-1), { filters: ['slow', 'other'], uncompiled: [] })
  watch.stop()
})

t.test('a worker that is stuck in Weir itself closes nothing', async (t) => {
  const { lines, told, watch } = start()
  watch.noteStuck(0, busy)
  t.same(told, [])
  t.match(lines, [[/does not answer/, { worker: 0 }]])
  watch.stop()
})

t.test('what never returned from its compilation is never compiled again', async (t) => {
  const { clock, told, watch, namesOf } = start()
  watch.noteStuck(0, { ...busy, running: 'other', isCompiling: true })
  clock.advance(61_000)
  t.same(told.at(-1), { filters: [], uncompiled: ['other'] })
  t.same(namesOf(), [['b', 'other']])
  watch.stop()
})
