// One replica against the API server and the strict ELBv2 model: what users see.
import t from 'tap'
import { events } from '../../shared/kube/resources.ts'
import { Bench } from './bench.ts'

t.test('ready proxies become targets, terminating ones leave', async (t) => {
  const bench = await Bench.start(t)
  for (const name of ['p-1', 'p-2', 'p-3']) bench.pod(name)
  bench.pod('p-4', { isReady: false })
  const replica = await bench.replica('c-1')
  await bench.until(() => bench.healthy().length === 3)
  t.strictSame(bench.healthy(), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])

  bench.pod('p-4')
  const registered = await bench.until(() => bench.states().includes('10.0.0.4 initial'))
  t.ok(registered < 1000, `registered ${registered} ms after it was ready`)
  await bench.until(() => bench.healthy().length === 4)

  bench.terminate('p-1')
  const left = await bench.until(() => bench.states().includes('10.0.0.1 draining'))
  t.ok(left < 1000, `left ${left} ms after it began to terminate`)
  bench.remove('p-1')
  await bench.until(() => bench.states().length === 3)
  await bench.pass(1_000)
  const reasons = bench.api.list(events).map(({ reason }) => reason)
  t.match(reasons.filter((reason) => reason === 'TargetRegistered').length, 4)
  t.ok(reasons.includes('TargetDeregistered'))
  const metrics = await replica.metrics()
  t.match(metrics, 'weir_target_changes_total{operation="register",result="ok"} 4')
  t.match(metrics, 'weir_target_changes_total{operation="deregister",result="ok"} 1')
  t.match(metrics, 'weir_controller_leader 1')
})
