// What the model answers to Describe… calls: AWS's selection, pages and shapes.
import type { ModelGroup } from './elbv2-model-group.ts'
import { listField, ModelError, targetsField, type WireValue } from './elbv2-model-wire.ts'

/** A load balancer of the model. */
export interface ModelBalancer {
  readonly arn: string
  readonly name: string
  readonly dnsName: string
  readonly type: 'application' | 'network'
}

/** DescribeTargetGroups. */
export function describeGroups(
  all: readonly ModelGroup[],
  fields: URLSearchParams,
  pageSize: number,
): WireValue {
  const arns = listField(fields, 'TargetGroupArns')
  const names = listField(fields, 'Names')
  if (arns.length > 0 && names.length > 0) {
    throw new ModelError('ValidationError', 'Names and ARNs cannot be given together')
  }
  const isAsked = ({ arn, options }: ModelGroup): boolean =>
    arns.length + names.length === 0 || arns.includes(arn) || names.includes(options.name)
  const found = all.filter(isAsked)
  if (found.length < arns.length + names.length) {
    throw new ModelError('TargetGroupNotFound', 'One or more target groups not found')
  }
  const shown = found.map(({ arn, options }) => ({
    TargetGroupArn: arn,
    TargetGroupName: options.name,
    Protocol: options.protocol ?? 'HTTP',
    ProtocolVersion: isHttp(options) ? (options.protocolVersion ?? 'HTTP1') : undefined,
    HealthCheckProtocol: options.healthCheckProtocol ?? options.protocol ?? 'HTTP',
    Port: String(options.port ?? 9999),
    VpcId: 'vpc-0123456789abcdef0',
    TargetType: options.targetType ?? 'ip',
    IpAddressType: options.ipAddressType ?? 'ipv4',
    LoadBalancerArns: options.loadBalancerArns ?? [],
  }))
  return page(fields, 'TargetGroups', shown, pageSize)
}

function isHttp({ protocol = 'HTTP' }: ModelGroup['options']): boolean {
  return protocol === 'HTTP' || protocol === 'HTTPS'
}

/** DescribeLoadBalancers. */
export function describeBalancers(
  all: readonly ModelBalancer[],
  fields: URLSearchParams,
  pageSize: number,
): WireValue {
  const arns = listField(fields, 'LoadBalancerArns')
  if (arns.length > 20) throw new ModelError('ValidationError', 'At most 20 load balancers')
  const found = all.filter(({ arn }) => arns.length === 0 || arns.includes(arn))
  if (found.length < arns.length) {
    throw new ModelError('LoadBalancerNotFound', 'One or more load balancers not found')
  }
  const shown = found.map(({ arn, name, dnsName, type }) => ({
    LoadBalancerArn: arn,
    LoadBalancerName: name,
    DNSName: dnsName,
    Type: type,
    State: { Code: 'active' },
  }))
  return page(fields, 'LoadBalancers', shown, pageSize)
}

/** DescribeTargetHealth as of `atMs`. */
export function describeHealth(
  group: ModelGroup,
  fields: URLSearchParams,
  atMs: number,
): WireValue {
  const view = group.view(atMs)
  const shown =
    targetsField(fields)?.map(({ id, port = group.options.port ?? 80 }) => {
      const found = view.find((target) => target.id === id && target.port === port)
      const reason = 'Target.NotRegistered'
      return found ?? { id, port, zone: undefined, state: 'unused', reason }
    }) ?? view
  return {
    TargetHealthDescriptions: shown.map(({ id, port, zone, state, reason }) => ({
      Target: { Id: id, Port: String(port), AvailabilityZone: zone ?? 'eu-central-1a' },
      HealthCheckPort: String(port),
      TargetHealth: { State: state, Reason: reason === '' ? undefined : reason },
    })),
  }
}

function page(
  fields: URLSearchParams,
  name: string,
  items: readonly WireValue[],
  size: number,
): WireValue {
  const from = Number(fields.get('Marker') ?? 0)
  const end = from + size
  return {
    [name]: items.slice(from, end),
    NextMarker: end < items.length ? String(end) : undefined,
  }
}
