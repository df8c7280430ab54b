import t from 'tap'
import { createSnapshot } from '../../shared/kube/snapshot.ts'
import type { Log } from '../../shared/log.ts'
import type { Problem } from '../../shared/problem.ts'
import type { RouteTable } from '../../shared/routing/table.ts'
import { routeOf } from '../../shared/routing/testing/route.ts'
import { routesIn, tableWith } from '../../shared/routing/testing/table.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type TableChange, TableKeeper } from './table-keeper.ts'

const snapshot = createSnapshot([])

function tableOf(...hosts: string[]): RouteTable {
  return tableWith(hosts.map((host) => routeOf({ host })))
}

const problem = (name: string): Problem => {
  const words = { field: 'spec', message: 'wrong', remedy: 'mend it' }
  return { reason: 'invalid-object', kind: 'Ingress', namespace: 'd', name, ...words }
}

/** A keeper whose translation is what the test says, and takes `costMs`. */
function keeping() {
  const clock = new ManualClock()
  const changes: TableChange[] = []
  const logged: string[] = []
  const note = (fields: Readonly<Record<string, unknown>>, message: string) => {
    logged.push(`${message} ${String(fields.name)}`)
  }
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const next = { table: tableOf(), problems: [] as readonly Problem[], costMs: 0, passes: 0 }
  const external = { hosts: [] as string[], problems: [] as readonly Problem[] }
  const keeper = new TableKeeper({
    clock,
    log,
    translate: () => {
      next.passes += 1
      clock.advance(next.costMs)
      return { table: next.table, problems: next.problems }
    },
    complete: (table) => tableWith([...routesIn(table), ...routesIn(tableOf(...external.hosts))]),
    problemsOfCompletion: () => external.problems,
    onTable: (change) => changes.push(change),
    onProblems: () => {},
  })
  const take = (hosts: string[], problems: readonly Problem[] = []) => {
    next.table = tableOf(...hosts)
    keeper.take({ snapshot, problems, eventAtMs: clock.now() })
  }
  const hosts = () => changes.map(({ delta }) => [delta.version, ...delta.hosts.keys()].join(' '))
  return { clock, keeper, take, next, changes, hosts, logged, external }
}

t.test('each change of the table is one delta with the next version', async (t) => {
  const { keeper, take, hosts } = keeping()
  t.equal(keeper.table, undefined)
  t.equal(keeper.whole(), undefined)
  take(['a.test'])
  take(['a.test', 'b.test'])
  take(['a.test', 'b.test'])
  take(['b.test'])
  t.same(hosts(), ['1 a.test', '2 b.test', '3 a.test'])
  t.same(keeper.table, tableOf('b.test'))
})

t.test('the first table counts even when it is empty: the proxy is in sync', async (t) => {
  const { keeper, take, hosts } = keeping()
  take([])
  take([])
  t.same(hosts(), ['1'])
  t.same(keeper.table, tableOf())
})

t.test('a worker that starts now gets the whole table under its version', async (t) => {
  const { keeper, take } = keeping()
  take(['a.test'])
  take(['a.test', 'b.test'])
  const whole = keeper.whole()
  t.equal(whole?.version, 2)
  t.same(new Set(whole?.hosts.keys()), new Set(['a.test', 'b.test']))
})

t.test('a storm of changes costs half the time at most, and its last word counts', async (t) => {
  const { clock, next, take, changes } = keeping()
  next.costMs = 100
  take(['first.test'])
  t.equal(next.passes, 1, 'the first at once')
  for (let count = 0; count < 150; count += 1) {
    take([`${count}.test`])
    clock.advance(1)
  }
  t.equal(next.passes, 2, 'then as long a pause as the last pass took')
  clock.advance(1000)
  t.equal(next.passes, 3)
  t.same(changes.at(-1)?.table, tableOf('149.test'))
  take(['late.test'])
  t.equal(next.passes, 4, 'at once again after a quiet time')
})

t.test('the age of a change is that of its oldest event', async (t) => {
  const { clock, next, take, changes } = keeping()
  next.costMs = 100
  take(['a.test'])
  const storm = clock.now()
  take(['b.test'])
  clock.advance(50)
  take(['c.test'])
  clock.advance(100)
  t.same(
    changes.map(({ eventAtMs }) => eventAtMs),
    [0, storm],
  )
})

t.test('what is wrong with external names is a problem like others', async (t) => {
  const { keeper, take, external, logged } = keeping()
  take(['a.test'], [problem('ingress')])
  external.problems = [problem('service')]
  keeper.refresh()
  t.same(keeper.problems, [problem('ingress'), problem('service')])
  external.problems = []
  keeper.refresh()
  t.same(keeper.problems, [problem('ingress')])
  t.same(logged, ['problem ingress', 'problem service', 'problem solved service'])
})

t.test('new addresses of external names are a change of their own', async (t) => {
  const { keeper, take, next, hosts, external } = keeping()
  keeper.refresh()
  t.same(hosts(), [], 'nothing to fill in before the first table')
  take(['a.test'])
  external.hosts = ['external.test']
  keeper.refresh()
  keeper.refresh()
  t.same(hosts(), ['1 a.test', '2 external.test'])
  t.equal(next.passes, 1, 'objects are not translated again')
})

t.test('problems are logged once when they appear and once when they are gone', async (t) => {
  const { keeper, take, next, logged } = keeping()
  next.problems = [problem('one')]
  take([], [problem('file')])
  take([], [problem('file')])
  t.same(logged, ['problem file', 'problem one'])
  t.same(keeper.problems, [problem('file'), problem('one')])
  next.problems = [{ ...problem('one'), message: 'wrong in another way' }]
  take([])
  t.same(logged.slice(2).toSorted(), ['problem one', 'problem solved file', 'problem solved one'])
  next.problems = []
  take([])
  t.same(keeper.problems, [])
  t.equal(logged.length, 6)
})

t.test('a keeper that is stopped takes up nothing that waits', async (t) => {
  const { clock, keeper, next, take } = keeping()
  next.costMs = 100
  take(['a.test'])
  take(['b.test'])
  keeper.stop()
  clock.advance(1000)
  t.equal(next.passes, 1)
})
