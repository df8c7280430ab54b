// Every call to AWS: rate-limited, retried with back-off, read into the controller's own types.
// The only file that imports @aws-sdk/*. Invariant: a call gives the whole answer (all pages) or throws AwsFailure.
import {
  DeregisterTargetsCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type LoadBalancer,
  RegisterTargetsCommand,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Clock } from '../../shared/clock.ts'
import type { GroupFacts, ObservedTarget } from '../world.ts'
import { AwsFailure, type AwsFailureCode, readAwsFailure } from './aws-failure.ts'
import { readGroupFacts, readTargetHealth, type TargetId } from './elbv2-answers.ts'
import { type Operation, operations, type RateFamily } from './operations.ts'
import { type Rate, TokenBucket } from './token-bucket.ts'

/** A target in a request. `zone` only for addresses outside the VPC. */
export type { TargetId } from './elbv2-answers.ts'

/** A load balancer in front of a group. */
export interface BalancerFacts {
  readonly arn: string
  /** Lower case. */
  readonly dnsName: string
}

/** The part of ELBv2 that the controller uses. Every method throws AwsFailure and nothing else. */
export interface Elbv2 {
  /** Finds a group by ARN or name; undefined when there is none. Throws `other` for a kind that cannot be kept. */
  findGroup(arnOrName: string): Promise<GroupFacts | undefined>
  groupAttributes(arn: string): Promise<ReadonlyMap<string, string>>
  loadBalancers(arns: readonly string[]): Promise<BalancerFacts[]>
  /** All targets of a group, or only the ones asked for. */
  targetHealth(arn: string, only?: readonly TargetId[]): Promise<ObservedTarget[]>
  register(arn: string, targets: readonly TargetId[]): Promise<void>
  deregister(arn: string, targets: readonly TargetId[]): Promise<void>
  close(): void
}

/** What the client needs. */
export interface Elbv2Options {
  readonly region: string | undefined
  /** Another address than AWS's own; undefined for AWS. */
  readonly endpoint: string | undefined
  /** Absent: AWS's default chain (environment, profile, IRSA, pod identity, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly clock: Clock
  /** 0 ≤ n < 1, for jitter. */
  readonly random: () => number
  readonly rates: Readonly<Record<RateFamily, Rate>>
  /** Called before each attempt; `onCall` follows when it has ended. */
  readonly onAttempt?: (operation: Operation) => void
  /** Called after each attempt. */
  readonly onCall: (operation: Operation, result: 'ok' | AwsFailureCode) => void
}

// AWS's own limits for one request: 20 load balancer ARNs.
const arnsPerCall = 20
// Attempts 1…6 wait about 0.2 s to 10 s in all; the next pass is the long-term retry.
const attempts = 6
const firstBackoffMs = 200
const longestBackoffMs = 5_000

/** Opens a client with AWS's default credential chain. */
export function createElbv2(options: Elbv2Options): Elbv2 {
  const client = new ElasticLoadBalancingV2Client({
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    // Retries are ours: each attempt takes a token and is counted.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000 },
  })
  const buckets = {
    describe: new TokenBucket(options.clock, options.rates.describe),
    change: new TokenBucket(options.clock, options.rates.change),
  }

  async function call<T>(
    operation: Operation,
    resource: string,
    send: () => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      await buckets[operations[operation].family].take()
      options.onAttempt?.(operation)
      try {
        const answer = await send()
        options.onCall(operation, 'ok')
        return answer
      } catch (thrown) {
        const failure = readAwsFailure(operation, resource, thrown)
        options.onCall(operation, failure.code)
        if (!mayRetry(failure) || attempt === attempts) throw failure
        await pause(options.clock, backoffMs(attempt, options.random))
      }
    }
  }

  async function pages<T>(
    operation: Operation,
    resource: string,
    send: (marker: string | undefined) => Promise<{ items: readonly T[]; next?: string }>,
  ): Promise<T[]> {
    const all: T[] = []
    let marker: string | undefined
    do {
      const page = await call(operation, resource, () => send(marker))
      all.push(...page.items)
      marker = page.next === '' ? undefined : page.next
    } while (marker !== undefined)
    return all
  }

  return {
    async findGroup(arnOrName) {
      const select = arnOrName.startsWith('arn:')
        ? { TargetGroupArns: [arnOrName] }
        : { Names: [arnOrName] }
      try {
        const [group] = await pages<TargetGroup>(
          'DescribeTargetGroups',
          arnOrName,
          async (marker) =>
            page(
              await client.send(
                new DescribeTargetGroupsCommand({ ...select, ...markerInput(marker) }),
              ),
              'TargetGroups',
            ),
        )
        return group === undefined ? undefined : readGroupFacts(group)
      } catch (thrown) {
        if (thrown instanceof AwsFailure && thrown.code === 'not-found') return undefined
        throw thrown
      }
    },
    async groupAttributes(arn) {
      const answer = await call('DescribeTargetGroupAttributes', arn, () =>
        client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn })),
      )
      return new Map((answer.Attributes ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
    },
    async loadBalancers(arns) {
      const found: LoadBalancer[] = []
      for (let at = 0; at < arns.length; at += arnsPerCall) {
        const slice = arns.slice(at, at + arnsPerCall)
        const some = await pages<LoadBalancer>(
          'DescribeLoadBalancers',
          slice.join(','),
          async (marker) =>
            page(
              await client.send(
                new DescribeLoadBalancersCommand({
                  LoadBalancerArns: slice,
                  ...markerInput(marker),
                }),
              ),
              'LoadBalancers',
            ),
        )
        found.push(...some)
      }
      return found.flatMap(({ LoadBalancerArn: arn, DNSName: dnsName }) =>
        arn === undefined || dnsName === undefined ? [] : [{ arn, dnsName: dnsName.toLowerCase() }],
      )
    },
    async targetHealth(arn, only) {
      const answer = await call('DescribeTargetHealth', arn, () =>
        client.send(
          new DescribeTargetHealthCommand({
            TargetGroupArn: arn,
            ...(only === undefined ? {} : { Targets: only.map(description) }),
          }),
        ),
      )
      return (answer.TargetHealthDescriptions ?? []).flatMap(readTargetHealth)
    },
    async register(arn, targets) {
      await call('RegisterTargets', arn, () =>
        client.send(
          new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: targets.map(description) }),
        ),
      )
    },
    async deregister(arn, targets) {
      await call('DeregisterTargets', arn, () =>
        client.send(
          new DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: targets.map(description) }),
        ),
      )
    },
    close: () => client.destroy(),
  }
}

function description({ id, port, zone }: TargetId): {
  Id: string
  Port: number
  AvailabilityZone?: string
} {
  return { Id: id, Port: port, ...(zone === undefined ? {} : { AvailabilityZone: zone }) }
}

function markerInput(marker: string | undefined): { readonly Marker?: string } {
  return marker === undefined ? {} : { Marker: marker }
}

function page<Field extends string, T>(
  answer: { readonly [field in Field]?: T[] | undefined } & {
    readonly NextMarker?: string | undefined
  },
  field: Field,
): { items: readonly T[]; next?: string } {
  const { NextMarker: next } = answer
  return { items: answer[field] ?? [], ...(next === undefined ? {} : { next }) }
}

function mayRetry({ code }: AwsFailure): boolean {
  return code === 'throttled' || code === 'unavailable'
}

/** Exponential with full jitter above a floor: many replicas that were throttled together must not return together. */
function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt)
  return firstBackoffMs / 2 + random() * ceiling
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
