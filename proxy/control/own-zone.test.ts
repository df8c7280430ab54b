import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { ConfigError } from '../../shared/options-table.ts'
import { createApiServer } from '../../shared/testing/api-server.ts'
import { findOwnZone } from './own-zone.ts'

/** An API server with nodes, and what a proxy says and finds there. */
async function startCluster(t: Test) {
  const api = await createApiServer()
  t.teardown(() => api.close())
  const node = (name: string, labels: Record<string, string>) =>
    api.put({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
  node('n1', { 'topology.kubernetes.io/zone': 'eu-central-1a' })
  node('n2', {})
  const lines: string[] = []
  const log = createLog({ level: 'info', stream: { write: (line) => lines.push(line) } })
  const kubeconfig = await api.kubeconfigFile(mkdtempSync(join(tmpdir(), 'weir-')))
  const context = { env: {}, clock: systemClock, log }
  return { api, kubeconfig, context, said: () => lines.join('') }
}

t.test('the label of the node tells the zone', async (t) => {
  const { api, kubeconfig, context, said } = await startCluster(t)
  t.equal(await findOwnZone({ kubeconfig, node: 'n1' }, context), 'eu-central-1a')
  t.match(said(), /"zone":"eu-central-1a"/)
  t.same(
    api.requests.map(({ verb, name }) => [verb, name]),
    [['get', 'n1']],
    'one request, for its own node only',
  )
})

t.test('what is set beats the label, and nothing is asked', async (t) => {
  const { api, kubeconfig, context } = await startCluster(t)
  t.equal(await findOwnZone({ kubeconfig, node: 'n1', zone: 'z' }, context), 'z')
  t.equal(await findOwnZone({ kubeconfig }, context), undefined, 'no node is named')
  t.equal(await findOwnZone({ manifests: 'm', node: 'n1' }, context), undefined, 'no cluster')
  t.equal(api.requests.length, 0)
})

t.test('without an answer there is no zone, and the log says so', async (t) => {
  const { api, kubeconfig, context, said } = await startCluster(t)
  t.equal(await findOwnZone({ kubeconfig, node: 'n2' }, context), undefined)
  t.match(said(), /the node has no label/)
  t.equal(await findOwnZone({ kubeconfig, node: 'n3' }, context), undefined)
  t.match(said(), /n3.*not found.*is not known/)
  await api.pause()
  t.equal(await findOwnZone({ kubeconfig, node: 'n1' }, context), undefined)
  await t.rejects(findOwnZone({ kubeconfig: '/none', node: 'n1' }, context), ConfigError)
})
