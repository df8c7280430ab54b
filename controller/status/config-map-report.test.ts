// When is something said about the ConfigMap, and when again? The clock stands still between the steps.
import t from 'tap'
import { createKubeClient } from '../../shared/kube/client.ts'
import { loadKubeConfig } from '../../shared/kube/config.ts'
import type { ConfigMap } from '../../shared/kube/objects.ts'
import { createLog } from '../../shared/log.ts'
import type { Problem } from '../../shared/problem.ts'
import { createApiServer } from '../../shared/testing/api-server.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { createConfigMapReport } from './config-map-report.ts'
import type { Occurrence } from './event-recorder.ts'

const problem = (key: string): Problem => ({
  reason: 'invalid-config-key',
  kind: 'ConfigMap',
  namespace: 'edge',
  name: 'nginx',
  field: `data["${key}"]`,
  message: 'It is wrong.',
  remedy: 'Mend it.',
})

t.test('what lasts is said again each half hour, and not after the term', async (t) => {
  const api = await createApiServer()
  const clock = new ManualClock()
  const client = createKubeClient(
    await loadKubeConfig({ env: {}, clock, kubeconfig: await api.kubeconfigFile(t.testdir()) }),
    { clock },
  )
  t.teardown(async () => {
    await client.close()
    await api.close()
  })
  const said: Occurrence[] = []
  const report = createConfigMapReport({
    client,
    clock,
    log: createLog({ level: 'error', stream: { write: () => undefined } }),
    events: { record: (occurrence) => void said.push(occurrence), flush: async () => {} },
    configMap: { namespace: 'edge', name: 'nginx' },
    load: async () => (object: ConfigMap) => Object.keys(object.data ?? {}).map(problem),
  })
  const metadata = { namespace: 'edge', name: 'nginx', uid: 'u-1' }
  api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...{ data: { a: '', b: '' } } })
  report.start()
  await eventually('a word', () => said.length > 0)
  t.match(said, [
    {
      kind: 'ConfigMap',
      about: { namespace: 'edge', name: 'nginx' },
      type: 'Warning',
      reason: 'InvalidConfigKey',
      message: 'data["a"]: It is wrong. Mend it. data["b"]: It is wrong. Mend it.',
    },
  ])
  clock.advance(1_790_000)
  t.equal(said.length, 1)
  clock.advance(10_000)
  t.equal(said.length, 2)
  await report.stop()
  clock.advance(3_600_000)
  t.equal(said.length, 2)
})
