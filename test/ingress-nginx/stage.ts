// The real program in the place of ingress-nginx, with applications behind it.
import type { Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { problemsOf, type ShownProblem } from '../support/ask.ts'
import { createManifestFolder, type ManifestFolder, serviceOf } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import type { ScriptedUpstream } from '../support/upstream.ts'
import { type Sight, sightOf, startApplication } from './application.ts'
import type { Sent } from './exchange.ts'

/** What the stage is made of. */
export interface StageOptions {
  readonly objects: readonly KubeObject[]
  /** Names of Services in namespace `default`: an application is started for each. */
  readonly services?: readonly string[]
  /** Applications that are there already, with their Services among the objects; who started them ends them. */
  readonly applications?: ReadonlyMap<string, ScriptedUpstream>
  /** ingress-nginx's ConfigMap. */
  readonly config?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

/** A running proxy with applications. */
export interface Stage extends Sent {
  readonly proxy: ProxyProcess
  readonly folder: ManifestFolder
  application(service: string): ScriptedUpstream
  problems(): Promise<readonly ShownProblem[]>
}

const configMap = { namespace: 'ingress-nginx', name: 'ingress-nginx-controller' }

/** As ingress-nginx has it: a port for TLS beside the plain one. */
export const tlsPort: readonly string[] = ['--listen-tls', '127.0.0.1:0']

/** What an operator says who takes over from ingress-nginx behind a load balancer that ends TLS. */
export const takeOver: readonly string[] = [
  ...['--like', 'ingress-nginx'],
  ...['--trusted-proxies', '127.0.0.1/32', '--trusted-fields', 'all'],
]

/** Starts all; it ends with the test. */
export async function startStage(t: Test, options: StageOptions): Promise<Stage> {
  const { objects, services = [], config, flags = [] } = options
  const own = await Promise.all(
    services.map(async (service) => [service, await startApplication(service)] as const),
  )
  const applications = new Map([...own, ...(options.applications ?? [])])
  const folder = createManifestFolder([
    ...objects,
    ...own.flatMap(([service, at]) => serviceOf(service, [at])),
    ...(config === undefined
      ? []
      : [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap, ...{ data: config } }]),
  ])
  const proxy = await startProxyProcess({
    flags: [
      ...['--manifests', folder.path, ...takeOver],
      ...(config === undefined ? [] : ['--config-map', `${configMap.namespace}/${configMap.name}`]),
      ...flags,
    ],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all(own.map(([, application]) => application.close()))
    folder.dispose()
  })
  return {
    ...seeing(applications),
    proxy,
    port: proxy.port,
    folder,
    problems: () => problemsOf(proxy.adminPort),
  }
}

/** What applications saw so far. */
export function seeing(applications: ReadonlyMap<string, ScriptedUpstream>): {
  application(service: string): ScriptedUpstream
  seenBy(service: string): readonly Sight[]
} {
  const application = (service: string) => {
    const found = applications.get(service)
    if (found === undefined) throw new Error(`no application ${service}`)
    return found
  }
  return {
    application,
    seenBy: (service) => application(service).requests.map((each) => sightOf(service, each)),
  }
}
