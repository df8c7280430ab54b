// The pod's own way to the API server: two environment variables and three files that the kubelet keeps fresh.
// client-node could read them too, but loading it takes longer than the rest of the start.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { formatHostPort } from '../host-port.ts'
import { ConfigError } from '../options-table.ts'
import type { KubeConfig } from './auth.ts'
import { createAuthCache } from './auth-cache.ts'

const standardFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Gives the way to the pod's own cluster. Throws a ConfigError outside of a pod. */
export function loadServiceAccount(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  folder: string = standardFolder,
): KubeConfig {
  const host = env.KUBERNETES_SERVICE_HOST
  const port = env.KUBERNETES_SERVICE_PORT
  if (host === undefined || host === '' || port === undefined || port === '') {
    throw new ConfigError(
      'there is no cluster to watch: this is not a pod (KUBERNETES_SERVICE_HOST is not set); ' +
        'give --kubeconfig PATH or --manifests PATH.',
    )
  }
  return {
    server: `https://${formatHostPort(host, port)}`,
    namespace: readNamespace(folder),
    ...createAuthCache({
      clock,
      async read() {
        const [token, ca] = await Promise.all([
          readFile(join(folder, 'token'), 'utf8'),
          readFile(join(folder, 'ca.crt'), 'utf8'),
        ])
        return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } }
      },
    }),
  }
}

function readNamespace(folder: string): string {
  try {
    return readFileSync(join(folder, 'namespace'), 'utf8').trim()
  } catch {
    // Some admission set-ups mount only the token and the CA.
    return 'default'
  }
}
