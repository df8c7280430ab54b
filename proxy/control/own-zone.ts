// In which zone does this proxy run? Its own setting says so, else the label of its node, read once when it starts.
//
// Invariant: no answer is an answer: without one the proxy starts all the same and uses the endpoints of all zones alike.
import type { Clock } from '../../shared/clock.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import { nodes } from '../../shared/kube/resources.ts'
import type { Log } from '../../shared/log.ts'

/** What tells where a proxy runs. */
export interface OwnPlace {
  readonly zone?: string | undefined
  readonly node?: string | undefined
  readonly manifests?: string | undefined
  readonly kubeconfig?: string | undefined
}

const zoneLabel = 'topology.kubernetes.io/zone'
// The routes wait for the same API server: a start is not held up by this for long.
const timeoutMs = 3000

/** Finds the zone within 3 s; undefined when nothing tells. Rejects with ConfigError when there is no way to a cluster. */
export async function findOwnZone(
  { zone, node, manifests, kubeconfig }: OwnPlace,
  context: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly clock: Clock
    readonly log: Log
  },
): Promise<string | undefined> {
  if (zone !== undefined || node === undefined || manifests !== undefined) return zone
  const { env, clock, log } = context
  // Only here: undici costs 30 MB, which a proxy without a cluster need not have.
  const [{ createKubeClient }, { loadKubeConfig }] = await Promise.all([
    import('../../shared/kube/client.ts'),
    import('../../shared/kube/config.ts'),
  ])
  const config = await loadKubeConfig({ ...(kubeconfig && { kubeconfig }), env, clock })
  const client = createKubeClient(config, { clock, userAgent: 'weir-proxy' })
  const found = await readZone(client, node, log)
  await client.close()
  return found
}

async function readZone(client: KubeClient, node: string, log: Log): Promise<string | undefined> {
  const answer = await client.get(nodes, { name: node }, { timeoutMs })
  if (!answer.ok) {
    const { message } = answer.error
    log.warn(
      { node, error: message },
      'the zone of the node is not known: endpoints of all zones are used alike',
    )
    return undefined
  }
  const zone = answer.body.metadata?.labels?.[zoneLabel]
  if (zone === undefined || zone === '') {
    log.info({ node }, `the node has no label ${zoneLabel}: endpoints of all zones are used alike`)
    return undefined
  }
  log.info({ node, zone }, 'endpoints of this zone are preferred where Services ask for it')
  return zone
}
