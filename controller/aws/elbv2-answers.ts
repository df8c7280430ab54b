// What AWS answers, read once into the controller's types. A shape that cannot be kept is an error of one sentence.
import type {
  TargetGroup,
  TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { canonicalId, targetKey } from '../targets/target-key.ts'
import { type GroupFacts, type ObservedTarget, targetStates } from '../world.ts'
import { AwsFailure } from './aws-failure.ts'

/** A target in a request. */
export interface TargetId {
  readonly id: string
  readonly port: number
  /** `all` or a zone; only for addresses outside the VPC. */
  readonly zone?: string
}

/** Reads a group; throws AwsFailure for kinds that hold no proxies (lambda, alb, GENEVE). */
export function readGroupFacts(group: TargetGroup): GroupFacts {
  const { TargetGroupArn: arn = '', TargetGroupName: name = '', Protocol: protocol = '' } = group
  const targetType = group.TargetType ?? 'instance'
  if (targetType !== 'ip' && targetType !== 'instance') {
    throw unusable(
      `target group ${name} has targets of type ${targetType}; only ip and instance can be kept`,
    )
  }
  const isHttp = protocol === 'HTTP' || protocol === 'HTTPS'
  if (!isHttp && protocol !== 'TCP' && protocol !== 'TLS') {
    throw unusable(
      `target group ${name} speaks ${protocol}; only HTTP, HTTPS, TCP and TLS can be kept`,
    )
  }
  return {
    arn,
    name,
    targetType,
    protocol,
    protocolVersion: group.ProtocolVersion ?? '',
    healthCheckProtocol: group.HealthCheckProtocol ?? '',
    port: group.Port ?? 0,
    vpcId: group.VpcId ?? '',
    ipAddressType: group.IpAddressType === 'ipv6' ? 'ipv6' : 'ipv4',
    balancer: isHttp ? 'application' : 'network',
    loadBalancerArns: [...(group.LoadBalancerArns ?? [])].sort(),
  }
}

/** Reads one target; an entry without id or with an unknown state is no target. */
export function readTargetHealth(entry: TargetHealthDescription): ObservedTarget[] {
  const { Id: id, Port: port, AvailabilityZone: zone } = entry.Target ?? {}
  const state = targetStates.find((known) => known === entry.TargetHealth?.State)
  if (id === undefined || port === undefined || state === undefined) return []
  return [
    {
      key: targetKey(id, port),
      id: canonicalId(id),
      port,
      // A plain zone name is AWS's own finding; only `all` has to be repeated in requests.
      ...(zone === 'all' ? { zone } : {}),
      state,
      reason: entry.TargetHealth?.Reason ?? '',
    },
  ]
}

function unusable(message: string): AwsFailure {
  return new AwsFailure('DescribeTargetGroups', 'other', message, undefined)
}
