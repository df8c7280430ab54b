// One target group of the model: what may be registered, and how a target's state follows from time and health.
//
//   RegisterTargets ──► initial ──(initialMs, healthy)──► healthy ◄──► unhealthy
//                          ▲                                 │ DeregisterTargets
//                          └──────── RegisterTargets ─── draining ──(drainMs)──► gone
//
// Reads may be stale: `view(atMs)` answers as of any moment of the last minute.
import { isIP } from 'node:net'
import { type CidrSet, createCidrSet } from '../../shared/cidr.ts'
import type { Clock } from '../../shared/clock.ts'
import { ModelError, type RequestTarget } from './elbv2-model-wire.ts'

/** How long AWS takes, in ms. */
export interface ModelTiming {
  initialMs: number
  drainMs: number
}

export interface ModelGroupOptions {
  readonly name: string
  readonly targetType?: 'ip' | 'instance' | 'lambda'
  readonly protocol?: string
  /** Of HTTP and HTTPS only; default HTTP1. */
  readonly protocolVersion?: string
  /** Default: that of the group. */
  readonly healthCheckProtocol?: string
  readonly port?: number
  readonly ipAddressType?: 'ipv4' | 'ipv6'
  /** Ranges of the VPC; default 10.0.0.0/16 and fd00::/56. */
  readonly vpcRanges?: readonly string[]
  /** ARNs of the load balancers in front. */
  readonly loadBalancerArns?: readonly string[]
  readonly attributes?: Readonly<Record<string, string>>
  /** True when somebody (the model balancer) really checks health. */
  readonly isChecked?: boolean
}

export interface ModelTarget {
  readonly id: string
  readonly port: number
  readonly zone: string | undefined
  readonly registeredAtMs: number
  readonly drainingSinceMs: number | undefined
}

/** A target as AWS would show it. */
export interface ModelTargetView extends ModelTarget {
  readonly key: string
  readonly state: 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused'
  readonly reason: string
}

const mostTargets = 1000
const historyMs = 60_000

export class ModelGroup {
  readonly arn: string
  readonly options: ModelGroupOptions
  readonly attributes: Map<string, string>
  /**
   * What the health check says by key. Without an entry a target is healthy once `initialMs` have passed,
   * or stays initial if the group is `isChecked`.
   */
  readonly health = new Map<string, boolean>()
  /** Keys that AWS sends nothing to, with the reason, such as `Target.NotInUse` for a zone that is not enabled. */
  readonly unused = new Map<string, string>()
  readonly #clock: Clock
  readonly #timing: ModelTiming
  readonly #instances: ReadonlySet<string>
  readonly #vpc: CidrSet
  #versions: { readonly atMs: number; readonly targets: ReadonlyMap<string, ModelTarget> }[]

  constructor(
    arn: string,
    options: ModelGroupOptions,
    clock: Clock,
    timing: ModelTiming,
    instances: ReadonlySet<string>,
  ) {
    this.arn = arn
    this.options = options
    this.attributes = new Map(
      Object.entries({
        'deregistration_delay.timeout_seconds': '300',
        'stickiness.enabled': 'false',
        ...options.attributes,
      }),
    )
    this.#clock = clock
    this.#timing = timing
    this.#instances = instances
    this.#versions = [{ atMs: clock.now(), targets: new Map() }]
    this.#vpc = createCidrSet(options.vpcRanges ?? ['10.0.0.0/16', 'fd00::/56'])
  }

  /** Registers all or nothing. */
  register(targets: readonly RequestTarget[]): void {
    const next = new Map(this.#newest())
    for (const target of targets) {
      this.#check(target)
      const port = target.port ?? this.options.port ?? 80
      const key = `${target.id}:${port}`
      const earlier = next.get(key)
      // Registering what is registered changes nothing.
      if (earlier !== undefined && earlier.drainingSinceMs === undefined) continue
      const { id, zone } = target
      const registeredAtMs = this.#clock.now()
      next.set(key, { id, port, zone, registeredAtMs, drainingSinceMs: undefined })
    }
    const active = [...next.values()].filter((target) => target.drainingSinceMs === undefined)
    if (active.length > mostTargets) {
      throw new ModelError('TooManyTargets', `More than ${mostTargets} targets in the target group`)
    }
    this.#commit(next)
  }

  /** Starts draining; what is not registered is passed over, as AWS does. */
  deregister(targets: readonly RequestTarget[]): void {
    const next = new Map(this.#newest())
    for (const target of targets) {
      const key = `${target.id}:${target.port ?? this.options.port ?? 80}`
      const earlier = next.get(key)
      if (earlier?.zone !== undefined && earlier.zone !== target.zone) {
        throw new ModelError('ValidationError', `The Availability Zone of '${target.id}' is wrong`)
      }
      if (earlier === undefined || earlier.drainingSinceMs !== undefined) continue
      next.set(key, { ...earlier, drainingSinceMs: this.#clock.now() })
    }
    this.#commit(next)
  }

  /** The targets as of `atMs`. */
  view(atMs = this.#clock.now()): ModelTargetView[] {
    const version = this.#versions.findLast((candidate) => candidate.atMs <= atMs)
    return [...(version?.targets ?? [])].flatMap(([key, target]) => {
      const { drainingSinceMs } = target
      if (drainingSinceMs !== undefined) {
        if (atMs - drainingSinceMs >= this.#timing.drainMs) return []
        const reason = 'Target.DeregistrationInProgress'
        return [{ ...target, key, state: 'draining' as const, reason }]
      }
      return [{ ...target, key, ...this.#healthOf(key, target, atMs) }]
    })
  }

  #healthOf(
    key: string,
    target: ModelTarget,
    atMs: number,
  ): Pick<ModelTargetView, 'state' | 'reason'> {
    if ((this.options.loadBalancerArns ?? []).length === 0) {
      return { state: 'unused', reason: 'Target.NotInUse' }
    }
    const unused = this.unused.get(key)
    if (unused !== undefined) return { state: 'unused', reason: unused }
    if (atMs - target.registeredAtMs < this.#timing.initialMs) {
      return { state: 'initial', reason: 'Elb.RegistrationInProgress' }
    }
    if (this.options.isChecked === true && !this.health.has(key)) {
      return { state: 'initial', reason: 'Elb.InitialHealthChecking' }
    }
    if (this.health.get(key) === false) {
      return { state: 'unhealthy', reason: 'Target.FailedHealthChecks' }
    }
    return { state: 'healthy', reason: '' }
  }

  #check({ id, port, zone }: RequestTarget): void {
    if (port !== undefined && !(port >= 1 && port <= 65_535)) {
      throw new ModelError('ValidationError', `Port '${port}' is not between 1 and 65535`)
    }
    if (this.options.targetType === 'instance') {
      if (!this.#instances.has(id)) {
        throw new ModelError(
          'InvalidTarget',
          `The following targets are not in a running state and cannot be registered: '${id}'`,
        )
      }
      if (zone !== undefined)
        throw new ModelError('ValidationError', 'You cannot specify an Availability Zone')
      return
    }
    const family = this.options.ipAddressType === 'ipv6' ? 6 : 4
    if (isIP(id) !== family) {
      throw new ModelError(
        'ValidationError',
        `The IP address '${id}' is not a valid IPv${family} address`,
      )
    }
    const isInside = this.#vpc.has(id)
    if (!isInside && zone !== 'all') {
      throw new ModelError(
        'ValidationError',
        `You must specify an Availability Zone for the IP address '${id}'`,
      )
    }
    if (isInside && zone === 'all') {
      throw new ModelError('ValidationError', `You cannot specify 'all' for the IP address '${id}'`)
    }
  }

  #newest(): ReadonlyMap<string, ModelTarget> {
    return this.#versions.at(-1)?.targets ?? new Map()
  }

  #commit(targets: ReadonlyMap<string, ModelTarget>): void {
    const now = this.#clock.now()
    const alive = new Map(
      [...targets].filter(
        ([, { drainingSinceMs }]) =>
          drainingSinceMs === undefined || now - drainingSinceMs < this.#timing.drainMs + historyMs,
      ),
    )
    this.#versions.push({ atMs: now, targets: alive })
    const firstKept = this.#versions.findLastIndex(({ atMs }) => atMs <= now - historyMs)
    if (firstKept > 0) this.#versions = this.#versions.slice(firstKept)
  }
}
