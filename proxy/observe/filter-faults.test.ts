// How much does a filter that always fails say?
import t from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import {
  createFaultReporter,
  type FilterBlockedMessage,
  type FilterFault,
  type FilterFaultMessage,
} from './filter-faults.ts'
import { createSlots, keyOf } from './slot-allocator.ts'
import type { SlotsMessage } from './slots.ts'

/** A reporter, what it told, and what it counted. */
function start() {
  const clock = new ManualClock()
  const slots = new Map<string, SlotsMessage>()
  const told: (FilterFaultMessage | FilterBlockedMessage)[] = []
  const report = createFaultReporter({
    slots: createSlots((message) => slots.set(keyOf(message.metric, message.labels), message)),
    kinds: ['mine'],
    clock,
    post: (message) => void told.push(message),
  })
  const countOf = (reason: string) => {
    const slot = slots.get(keyOf('weir_filter_faults_total', { filter: 'mine', reason }))
    return slot && new Float64Array(slot.page)[slot.at]
  }
  return { clock, told, report, countOf }
}

function faultOf(name: string, parts: Partial<FilterFault> = {}): FilterFault {
  return {
    filter: 'mine',
    reason: 'threw',
    phase: 'request',
    route: {
      owner: { kind: 'Ingress', namespace: 'default', name },
      match: { host: `${name}.test`, pathType: 'Prefix', path: '/', conditions: [] },
    },
    error: new Error('boom'),
    ...parts,
  }
}

t.test('one line per route, reason and 10 s; each fault is counted', async (t) => {
  const { clock, told, report, countOf } = start()
  t.same(['threw', 'timed-out', 'blocked'].map(countOf), [0, 0, 0], 'there from the start')
  for (let time = 0; time < 1000; time += 1) report(faultOf('a'))
  report(faultOf('b'))
  report(faultOf('a', { reason: 'timed-out', error: undefined }))
  t.match(told, [
    { filter: 'mine', reason: 'threw', host: 'a.test', path: '/', times: 1, error: /boom/ },
    { owner: { name: 'b' }, times: 1 },
    { reason: 'timed-out', times: 1 },
  ])
  clock.advance(9999)
  report(faultOf('a'))
  t.equal(told.length, 3)
  clock.advance(1)
  report(faultOf('a'))
  t.match(told[3], { host: 'a.test', times: 1001 })
  t.same(['threw', 'timed-out'].map(countOf), [1003, 1])
})

t.test('the 10 s are those of each route', (t) => {
  const { clock, told, report } = start()
  report(faultOf('a'))
  clock.advance(9999)
  report(faultOf('b'))
  clock.advance(1)
  report(faultOf('b'))
  t.equal(told.length, 2, 'its line is 1 ms old')
  report(faultOf('a'))
  t.match(told[2], { host: 'a.test' })
  t.end()
})

t.test('a filter of a thousand routes says it of a hundred', async (t) => {
  const { clock, told, report, countOf } = start()
  for (let route = 0; route < 1000; route += 1) report(faultOf(`r${route}`))
  t.equal(told.length, 100)
  t.equal(countOf('threw'), 1000)
  clock.advance(10_000)
  report(faultOf('r999'))
  t.match(told[100], { host: 'r999.test', times: 2 })
})

t.test('each call that blocked is told, since it counts', async (t) => {
  const { told, report } = start()
  for (const ms of [60.4, 70]) report(faultOf('a', { reason: 'blocked', ms, error: undefined }))
  t.match(told, [
    { kind: 'filter-blocked', filter: 'mine', ms: 60.4 },
    { kind: 'filter-fault', reason: 'blocked', ms: 60 },
    { kind: 'filter-blocked', filter: 'mine', ms: 70 },
  ])
  t.equal(told.length, 3)
})
