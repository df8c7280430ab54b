// Which feed does this proxy follow: manifests, or a cluster?
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Feed } from './feed.ts'

/** Where objects are to come from. */
export interface FeedSource {
  readonly manifests?: string | undefined
  readonly kubeconfig?: string | undefined
  readonly namespace?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
}

/** Makes the feed that the settings ask for; rejects with ConfigError when there is no way to a cluster. */
export async function createFeed(source: FeedSource): Promise<Feed> {
  const { manifests, kubeconfig, namespace, env, clock, log } = source
  // Each way loads its own libraries only: undici costs 30 MB, the YAML parser 9 MB.
  if (manifests !== undefined) {
    const { createManifestFeed } = await import('./manifest-feed.ts')
    return createManifestFeed({ paths: [manifests], clock, log })
  }
  const [{ createKubeClient }, { loadKubeConfig }, { createClusterFeed }] = await Promise.all([
    import('../kube/client.ts'),
    import('../kube/config.ts'),
    import('./cluster-feed.ts'),
  ])
  const config = await loadKubeConfig({ ...(kubeconfig && { kubeconfig }), env, clock })
  const client = createKubeClient(config, { clock, userAgent: 'weir-proxy' })
  return createClusterFeed({ client, clock, log, ...(namespace && { namespace }) })
}
