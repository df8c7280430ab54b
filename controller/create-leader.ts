// Puts one term of leadership together from the settings.
import { createCidrSet } from '../shared/cidr.ts'
import type { ConfigMap } from '../shared/kube/objects.ts'
import { GroupDirectory } from './balancer/group-directory.ts'
import { createCluster } from './cluster.ts'
import { Leader, type LeaderOptions } from './leader.ts'
import { Observer } from './observe.ts'
import { type ControllerSettings, showsStatus } from './settings.ts'
import { type ConfigMapReport, createConfigMapReport } from './status/config-map-report.ts'
import type { EventRecorder } from './status/event-recorder.ts'
import { LeftIngresses } from './status/left-ingresses.ts'
import { ownedTargets } from './targets/ownership.ts'

/** What a leader needs besides what the settings give. */
export interface CreateLeaderOptions
  extends Omit<
    LeaderOptions,
    | 'cluster'
    | 'observer'
    | 'leftIngresses'
    | 'configMapReport'
    | 'targetPort'
    | 'isDryRun'
    | 'proxyProtocol'
  > {
  readonly settings: ControllerSettings
  readonly events: EventRecorder
}

/** Creates a leader; nothing happens before it is started. */
export function createLeader(options: CreateLeaderOptions): Leader {
  const { settings, client, clock, log, elbv2, election } = options
  const cluster = createCluster({
    client,
    clock,
    log,
    namespace: settings.proxyNamespace ?? client.namespace,
    selector: settings.proxySelector,
    service: settings.proxyService,
    needsNodes: settings.drainNodes,
    classRules: !showsStatus(settings)
      ? undefined
      : {
          ingressClasses: settings.ingressClass,
          controllerClasses: settings.controllerClass,
          watchWithoutClass: settings.watchIngressWithoutClass,
          byName: settings.ingressClassByName,
        },
    published: settings.publishService,
    onChange: () => leader.trigger(),
  })
  const leftIngresses = new LeftIngresses({ client, log, fieldManager: options.fieldManager })
  const observer = new Observer({
    cluster,
    leftIngresses,
    client,
    elbv2,
    directory: new GroupDirectory(elbv2, settings.targetGroup),
    limits: {
      minTargets: settings.minTargets,
      maxRemovalPercent: settings.maxRemoval,
      healthyWaitMs: settings.healthyWaitSeconds * 1000,
    },
    targetPort: settings.targetPort,
    drainNodes: settings.drainNodes,
    vpcRanges: settings.vpcCidrs.length === 0 ? undefined : createCidrSet(settings.vpcCidrs),
    ingressStatus: settings.ingressStatus,
    publishService: settings.publishService,
    publishStatusAddress: settings.publishStatusAddress,
    needsHealthyTarget: settings.targetGroup.length > 0,
    owned: (arn) => (settings.ownership === 'all' ? undefined : ownedTargets(election, arn)),
    now: () => clock.now(),
  })
  const leader: Leader = new Leader({
    ...options,
    cluster,
    observer,
    leftIngresses,
    configMapReport: configMapReport(options),
    targetPort: settings.targetPort,
    proxyProtocol: settings.proxyProtocol,
    isDryRun: settings.dryRun,
  })
  return leader
}

/** A dry run writes nothing, Events neither. */
function configMapReport(options: CreateLeaderOptions): ConfigMapReport | undefined {
  const { settings, client, clock, log, events } = options
  const { configMap, dryRun } = settings
  if (configMap === undefined || dryRun) return undefined
  const load = async () => {
    const { readConfigMap } = await import('../shared/routing/ingress/config-map/read.ts')
    return (object: ConfigMap) => readConfigMap(object, settings.like).problems
  }
  return createConfigMapReport({ client, clock, log, events, configMap, load })
}
