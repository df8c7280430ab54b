// Puts one term of leadership together from the settings.
import { createCidrSet } from '../shared/cidr.ts'
import { GroupDirectory } from './balancer/group-directory.ts'
import { createCluster } from './cluster.ts'
import { Leader, type LeaderOptions } from './leader.ts'
import { Observer } from './observe.ts'
import { type ControllerSettings, showsStatus } from './settings.ts'
import { LeftIngresses } from './status/left-ingresses.ts'
import { ownedTargets } from './targets/ownership.ts'

/** What a leader needs besides what the settings give. */
export interface CreateLeaderOptions
  extends Omit<
    LeaderOptions,
    'cluster' | 'observer' | 'leftIngresses' | 'targetPort' | 'isDryRun' | 'proxyProtocol'
  > {
  readonly settings: ControllerSettings
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
    targetPort: settings.targetPort,
    proxyProtocol: settings.proxyProtocol,
    isDryRun: settings.dryRun,
  })
  return leader
}
