// Where the API server is and who we are to it: a kubeconfig file, or the pod's own service account.
// The only file that imports @kubernetes/client-node, and only when a kubeconfig is given (it costs 290 ms).
import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { dirname } from 'node:path'
import type { KubeConfig as ClientNodeConfig } from '@kubernetes/client-node'
import type { Clock } from '../clock.ts'
import type { TlsMaterial } from '../http.ts'
import { ConfigError } from '../options-table.ts'
import type { YamlDocuments } from '../yaml.ts'
import type { KubeAuth, KubeConfig } from './auth.ts'
import { createAuthCache } from './auth-cache.ts'
import { isRecord } from './error.ts'
import { loadServiceAccount } from './service-account.ts'

export interface KubeConfigOptions {
  /** Path of a kubeconfig; absent means the pod's service account. */
  readonly kubeconfig?: string
  /** The process's environment (only `main.ts` reads it): names the API server of the pod's cluster. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Folder of the service account's files; other than the standard one in tests only. */
  readonly serviceAccountFolder?: string
}

/** Loads the way to the API server. Rejects with a ConfigError when there is none. */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const { kubeconfig, env, clock, serviceAccountFolder } = options
  return kubeconfig === undefined
    ? loadServiceAccount(env, clock, serviceAccountFolder)
    : await loadKubeconfigFile(kubeconfig, clock)
}

async function loadKubeconfigFile(path: string, clock: Clock): Promise<KubeConfig> {
  const [{ KubeConfig: ClientNode }, { parseYamlDocuments }] = await Promise.all([
    import('@kubernetes/client-node'),
    import('../yaml.ts'),
  ])
  const load = (): ClientNodeConfig => {
    const loaded = new ClientNode()
    loaded.loadFromString(adaptKubeconfig(parseYamlDocuments(readFileSync(path, 'utf8'))))
    loaded.makePathsAbsolute(dirname(path))
    return loaded
  }
  let current = read(load, path)
  const cluster = current.getCurrentCluster()
  if (cluster === null) {
    throw new ConfigError(`--kubeconfig ${path}: the current context names no known cluster.`)
  }
  if (cluster.proxyUrl !== undefined) {
    throw new ConfigError(`--kubeconfig ${path}: proxy-url is not supported.`)
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: current.getContextObject(current.getCurrentContext())?.namespace ?? 'default',
    ...createAuthCache({
      clock,
      async read(wasRefused) {
        // client-node keeps tokens of commands and files itself: only a new object surely reads them again.
        if (wasRefused) current = read(load, path)
        return await readAuth(current)
      },
    }),
  }
}

function read(load: () => ClientNodeConfig, path: string): ClientNodeConfig {
  try {
    return load()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`--kubeconfig ${path} cannot be used: ${why.replace(/\.$/, '')}.`, {
      cause,
    })
  }
}

/** Asks client-node for the credentials: tokens, files, commands (exec), client certificates, OIDC. */
async function readAuth(config: ClientNodeConfig): Promise<KubeAuth> {
  const options: RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim()
  }
  if (typeof options.auth === 'string') {
    headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`
  }
  return {
    headers,
    tls: {
      ...pem('ca', options.ca),
      ...pem('cert', options.cert),
      ...pem('key', options.key),
      ...(typeof options.servername === 'string' ? { serverName: options.servername } : {}),
      ...(options.rejectUnauthorized === false ? { insecure: true } : {}),
    },
  }
}

function pem(name: 'ca' | 'cert' | 'key', value: unknown): TlsMaterial {
  return typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value.toString() } : {}
}

/**
 * Puts two things of standard kubeconfigs in client-node 2.0.1's words: a user's `tokenFile` (it knows only its own
 * spelling and reads that once), and plain `http` servers such as `kubectl proxy` (it refuses them unless TLS
 * verification is off, which means nothing there).
 */
function adaptKubeconfig({ documents, errors }: YamlDocuments): string {
  const [document] = documents
  if (errors[0] !== undefined) throw new Error(`line ${errors[0].line}: ${errors[0].message}`)
  if (!isRecord(document)) throw new Error('it is not a kubeconfig')
  return JSON.stringify({
    ...document,
    users: entries(document.users, 'user', (user) =>
      typeof user.tokenFile === 'string' && user.token === undefined
        ? { ...user, 'auth-provider': { name: 'tokenFile', config: { tokenFile: user.tokenFile } } }
        : user,
    ),
    clusters: entries(document.clusters, 'cluster', (cluster) =>
      typeof cluster.server === 'string' && cluster.server.startsWith('http:')
        ? { ...cluster, 'insecure-skip-tls-verify': true }
        : cluster,
    ),
  })
}

type Fields = Readonly<Record<string, unknown>>

function entries(list: unknown, field: string, adapt: (value: Fields) => Fields): unknown[] {
  if (!Array.isArray(list)) return []
  return list.map((entry: unknown) => {
    if (!isRecord(entry)) return entry
    const value = entry[field]
    return isRecord(value) ? { ...entry, [field]: adapt(value) } : entry
  })
}
