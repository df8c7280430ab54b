import t from 'tap'
import { createKubeClient } from '../../shared/kube/client.ts'
import { loadKubeConfig } from '../../shared/kube/config.ts'
import { events } from '../../shared/kube/resources.ts'
import { createLog } from '../../shared/log.ts'
import { createApiServer } from '../../shared/testing/api-server.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { createEventRecorder, type Occurrence } from './event-recorder.ts'

t.test('repetitions are counted in one Event, a flood is cut', async (t) => {
  const api = await createApiServer()
  const clock = new ManualClock()
  const folder = t.testdir()
  const client = createKubeClient(
    await loadKubeConfig({ env: {}, clock, kubeconfig: await api.kubeconfigFile(folder) }),
    { clock },
  )
  t.teardown(async () => {
    await client.close()
    await api.close()
  })
  const log = createLog({ level: 'error', stream: { write: () => undefined } })
  const recorder = createEventRecorder({ client, clock, log, host: 'c-1' })
  const occurrence = (name: string, message: string): Occurrence => ({
    kind: 'Pod',
    about: { namespace: 'edge', name, uid: 'u' },
    type: 'Warning',
    reason: 'TargetRemovalRefused',
    message,
  })
  for (let at = 0; at < 10; at++) recorder.record(occurrence('p', `time ${at}`))
  await recorder.flush()
  t.equal(api.list(events).length, 1)
  clock.advance(60_000)
  await recorder.flush()
  const [event] = api.list(events)
  t.match(event, {
    count: 10,
    message: 'time 9',
    involvedObject: { kind: 'Pod', name: 'p', uid: 'u' },
    source: { component: 'weir-controller', host: 'c-1' },
  })
  t.equal(api.requests.length, 2, 'ten occurrences, two writes')

  clock.advance(60_000)
  for (let at = 0; at < 1000; at++) recorder.record(occurrence(`p-${at}`, 'x'))
  await recorder.flush()
  t.ok(api.list(events).length <= 121, `${api.list(events).length} Events for 1,000 pods`)

  api.faults.deny(['create', 'patch'], events)
  clock.advance(60_000)
  recorder.record(occurrence('q', 'not allowed'))
  await recorder.flush()
  t.pass('a missing permission costs nothing')
})
