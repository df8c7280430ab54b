// Does the real API server do what Weir relies on, and what the one for tests does?

import type { KubeClient } from '../../shared/kube/client.ts'
import { ingresses, resourcePath } from '../../shared/kube/resources.ts'
import { createAccount, roleBinding } from './accounts.ts'
import { clientOf } from './admin.ts'
import { contractChecks } from './contract-checks.ts'
import { good } from './contract-kit.ts'
import { compactEtcd } from './etcd.ts'
import type { Stage, Suite } from './stage.ts'

const namespace = 'contract'

/** The contract, on the real one. */
export const contractSuite: Suite = { name: 'contract', run }

async function run({ admin, servers, check }: Stage): Promise<void> {
  const way = { url: servers.url, ca: servers.ca() }
  await admin.createNamespaces([namespace])
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }]
  const account = await createAccount(admin, namespace, 'limited')
  await admin.applyAll(roleBinding(namespace, 'limited', rules))
  const limited = clientOf({ ...way, token: (await account.issue()).token })
  const stranger = clientOf({ ...way, token: 'nobody' })
  const stage = {
    client: admin.client,
    stranger,
    namespace,
    withLimits: (use: (client: typeof limited) => Promise<void>) => use(limited),
    async expire(token: string) {
      await compactEtcd()
      // For some minutes the API server answers from its memory, whatever etcd has dropped.
      await servers.stopApi()
      await servers.startApi()
      return token
    },
  }
  for (const { name, run } of contractChecks) await check(name, () => run(stage))
  await sweep(stage.client)
  await Promise.all([limited.close(), stranger.close()])
}

/** The proxies of later suites must find none of the Ingresses: one without a Service is a problem. */
async function sweep(client: KubeClient): Promise<void> {
  for (const { metadata } of good(await client.list(ingresses, { namespace })).items) {
    const path = resourcePath(ingresses, { namespace, name: metadata?.name ?? '' })
    good(await client.request({ method: 'DELETE', path }))
  }
}
