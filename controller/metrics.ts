// What the controller counts. Names are a contract with dashboards; every series that can be is there from the start.
import type { HistogramMetric, MetricsRegistry } from '../shared/metrics.ts'
import { type AwsFailureCode, awsFailureCodes } from './aws/aws-failure.ts'
import { type Operation, operations } from './aws/operations.ts'
import type { DrainStep } from './drain/drain-own-pod.ts'
import { type GroupView, type HoldCode, targetStates } from './world.ts'

export interface ControllerMetrics {
  countCall(operation: Operation, result: 'ok' | AwsFailureCode): void
  countChange(operation: 'register' | 'deregister', result: 'ok' | 'error', count: number): void
  countHold(code: HoldCode): void
  /** Shows the targets of all groups as of the last pass; groups that are not given show 0. */
  showTargets(views: readonly GroupView[]): void
  readonly readyToRegistered: HistogramMetric
  readonly readyToHealthy: HistogramMetric
  readonly terminationToGone: HistogramMetric
  /** Shows whether a group and the proxies disagree about the PROXY protocol. */
  showProxyProtocol(group: string, isMismatch: boolean): void
  observeDrainStep(step: DrainStep, elapsedMs: number): void
}

/** What gauges read at scrape time. */
export interface GaugeSources {
  isLeader(): boolean
  /** Seconds since the last pass in which every group was seen and every action done; undefined before the first. */
  syncAgeSeconds(): number | undefined
  watchAgesMs(): Readonly<Record<string, number>>
}

const holdCodes: readonly HoldCode[] = [
  'awaiting-healthy',
  'empty-list',
  'last-healthy',
  'min-targets',
  'max-removal',
]
const secondsBounds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300]

export function createControllerMetrics(
  registry: MetricsRegistry,
  sources: GaugeSources,
): ControllerMetrics {
  const calls = registry.counter({
    name: 'weir_aws_calls_total',
    help: 'Calls to AWS by operation and result; each attempt counts.',
    labelNames: ['operation', 'result'],
  })
  for (const operation of Object.keys(operations)) {
    for (const result of ['ok', ...awsFailureCodes]) calls.add(0, { operation, result })
  }
  const changes = registry.counter({
    name: 'weir_target_changes_total',
    help: 'Targets registered and deregistered.',
    labelNames: ['operation', 'result'],
  })
  for (const operation of ['register', 'deregister']) {
    for (const result of ['ok', 'error']) changes.add(0, { operation, result })
  }
  const holds = registry.counter({
    name: 'weir_target_removals_held_total',
    help: 'Removals that a pass held back, by reason; awaiting-healthy is a wait, the others are refusals.',
    labelNames: ['code'],
  })
  for (const code of holdCodes) holds.add(0, { code })
  const targets = registry.gauge({
    name: 'weir_targets',
    help: 'Targets by group and state, as AWS showed them in the last pass of this leader.',
    labelNames: ['group', 'state'],
  })
  const shownGroups = new Set<string>()
  registry.gauge({
    name: 'weir_lb_sync_age_seconds',
    help: 'Seconds since the last pass of this leader that saw and did everything; 0 on a standby.',
    collect: (gauge) => gauge.set(sources.isLeader() ? (sources.syncAgeSeconds() ?? 0) : 0),
  })
  registry.gauge({
    name: 'weir_controller_leader',
    help: '1 while this replica leads.',
    collect: (gauge) => gauge.set(sources.isLeader() ? 1 : 0),
  })
  registry.gauge({
    name: 'weir_kube_watch_age_seconds',
    help: 'Seconds since the API server last confirmed a resource.',
    labelNames: ['resource'],
    collect(gauge) {
      for (const [resource, ageMs] of Object.entries(sources.watchAgesMs())) {
        gauge.set(ageMs / 1000, { resource })
      }
    },
  })
  const mismatches = registry.gauge({
    name: 'weir_proxy_protocol_mismatch',
    help: '1 while the group and the proxies disagree about the PROXY protocol: no request can succeed then.',
    labelNames: ['group'],
  })
  const drainSteps = registry.histogram({
    name: 'weir_drain_step_seconds',
    help: 'Time from the begin of this pod’s drain to each of its steps.',
    labelNames: ['step'],
    bounds: secondsBounds,
  })
  const histogram = (name: string, help: string): HistogramMetric =>
    registry.histogram({ name, help, bounds: secondsBounds })

  return {
    countCall: (operation, result) => calls.add(1, { operation, result }),
    countChange: (operation, result, count) => changes.add(count, { operation, result }),
    countHold: (code) => holds.add(1, { code }),
    showTargets(views) {
      const gone = new Set(shownGroups)
      for (const { facts } of views) gone.delete(facts.name)
      for (const group of gone) for (const state of targetStates) targets.set(0, { group, state })
      for (const { facts, observed } of views) {
        if (observed === undefined) continue
        shownGroups.add(facts.name)
        for (const state of targetStates) {
          const count = observed.filter((target) => target.state === state).length
          targets.set(count, { group: facts.name, state })
        }
      }
    },
    readyToRegistered: histogram(
      'weir_target_ready_to_registered_seconds',
      'Time from a pod being ready to its target being registered.',
    ),
    readyToHealthy: histogram(
      'weir_target_ready_to_healthy_seconds',
      'Time from a pod being ready to its target being healthy.',
    ),
    terminationToGone: histogram(
      'weir_target_termination_to_gone_seconds',
      'Time from a pod being seen terminating to its target being gone from the group.',
    ),
    showProxyProtocol: (group, isMismatch) => mismatches.set(isMismatch ? 1 : 0, { group }),
    observeDrainStep: (step, elapsedMs) => drainSteps.observe(elapsedMs / 1000, { step }),
  }
}
