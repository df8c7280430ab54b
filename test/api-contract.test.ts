// Does the API server that other tests use keep the contract that test/cluster checks on the real one?
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../shared/clock.ts'
import { createKubeClient } from '../shared/kube/client.ts'
import { loadKubeConfig } from '../shared/kube/config.ts'
import { configMaps } from '../shared/kube/resources.ts'
import { resources } from '../shared/testing/api-paths.ts'
import { createApiServer } from '../shared/testing/api-server.ts'
import { clientOf } from './cluster/admin.ts'
import { contractChecks } from './cluster/contract-checks.ts'
import type { ContractStage } from './cluster/contract-kit.ts'

const api = await createApiServer()
const folder = mkdtempSync(join(tmpdir(), 'weir-contract-'))
const config = await loadKubeConfig({
  env: api.env,
  clock: systemClock,
  serviceAccountFolder: await api.serviceAccountFolder(folder),
})
const client = createKubeClient(config, { clock: systemClock })
const stranger = clientOf({ url: api.url, token: 'nobody', ca: api.caPem() })
t.teardown(async () => {
  await Promise.all([client.close(), stranger.close()])
  await api.close()
  rmSync(folder, { recursive: true })
})

const everyVerb = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const

const stage: ContractStage = {
  client,
  stranger,
  namespace: 'contract',
  async withLimits(run) {
    const allow = resources.map((resource) =>
      resource === configMaps
        ? api.faults.deny(['create', 'update', 'patch', 'delete'], resource)
        : api.faults.deny([...everyVerb], resource),
    )
    await run(client)
    for (const undo of allow) undo()
  },
  async expire(token) {
    api.faults.expirePages()
    api.faults.forgetHistory('event')
    return token
  },
}

for (const { name, run } of contractChecks) t.test(name, () => run(stage))
