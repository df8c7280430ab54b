// Tells people what was done and refused, and why: log lines, Events, counters. Each change once, not once per pass.
import type { Log } from '../shared/log.ts'
import type { Outcome } from './apply.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Observation } from './observe.ts'
import type { EventRecorder, Occurrence } from './status/event-recorder.ts'
import type { ObjectRef, Plan } from './world.ts'

export interface ReporterOptions {
  readonly log: Log
  readonly events: EventRecorder
  readonly metrics: ControllerMetrics
  /** What Events are about that know no other object: our own pod, or the Lease. */
  readonly self: Pick<Occurrence, 'kind' | 'about'>
}

/** What does not fit between a group and the proxies, by the reason of its Event; undefined: it fits. */
export interface Mismatches {
  readonly ProxyProtocolMismatch: string | undefined
  readonly TargetProtocolMismatch: string | undefined
}

export interface Reporter {
  reportOutcome(outcome: Outcome): void
  reportPass(plan: Plan, observation: Observation): void
  /** Says once how clients' addresses come, and what does not fit between the group and the proxies. */
  reportGroup(group: string, clientAddresses: string, mismatches: Mismatches): void
  /** The last outcomes, newest first. */
  recent(): readonly Outcome[]
}

const recentMost = 50
const failingMost = 5_000

/** Reasons of Events by what was done. */
interface EventReasons {
  readonly kind: Occurrence['kind']
  readonly done: string
  readonly failed: string
  /** What was done is something to look at. */
  readonly isWarning?: true
}

const eventReasons: Readonly<Record<Outcome['kind'], EventReasons | undefined>> = {
  register: { kind: 'Pod', done: 'TargetRegistered', failed: 'TargetNotRegistered' },
  deregister: { kind: 'Pod', done: 'TargetDeregistered', failed: 'TargetNotDeregistered' },
  'open-gate': { kind: 'Pod', done: 'TargetHealthy', failed: 'TargetGateNotOpened' },
  'skip-gate': {
    kind: 'Pod',
    done: 'TargetGateSkipped',
    failed: 'TargetGateNotOpened',
    isWarning: true,
  },
  'show-hostnames': {
    kind: 'Ingress',
    done: 'LoadBalancerPublished',
    failed: 'LoadBalancerNotPublished',
  },
  'show-on-route-group': {
    kind: 'RouteGroup',
    done: 'LoadBalancerPublished',
    failed: 'LoadBalancerNotPublished',
  },
  'withdraw-hostnames': {
    kind: 'Ingress',
    done: 'LoadBalancerWithdrawn',
    failed: 'LoadBalancerNotWithdrawn',
  },
  claim: undefined,
  release: undefined,
}

export function createReporter({ log, events, metrics, self }: ReporterOptions): Reporter {
  const recent: Outcome[] = []
  /** What was said last about a subject, so that it is not said again. */
  let said = new Map<string, string>()
  const facts = new Map<string, string>()
  /** Failures that last, by what failed. */
  const failing = new Map<string, string>()

  /** Tells whether `words` about `subject` are news; keeps them in `next`. */
  function isNews(next: Map<string, string>, subject: string, words: string): boolean {
    const isNew = (next === facts ? facts : said).get(subject) !== words
    next.set(subject, words)
    return isNew
  }

  function occur(
    kind: Occurrence['kind'],
    about: ObjectRef | undefined,
    rest: Pick<Occurrence, 'type' | 'reason' | 'message'>,
  ): void {
    events.record({ ...(about === undefined ? self : { kind, about }), ...rest })
  }

  function reportHeld(plan: Plan, next: Map<string, string>): void {
    for (const { group, target, pod, code, message, override } of plan.held) {
      metrics.countHold(code)
      const isNew = isNews(next, `held ${group.name} ${target.key}`, code)
      if (code === 'awaiting-healthy') {
        if (isNew)
          log.info(
            { group: group.name, target: target.key, code },
            `keeps a target for now: ${message}`,
          )
        continue
      }
      if (!isNew) continue
      const fields = { group: group.name, target: target.key, code, override }
      log.warn(fields, `refuses to remove a target: ${message}`)
      occur('Pod', pod, {
        type: 'Warning',
        reason: 'TargetRemovalRefused',
        message: `${target.key} stays in target group ${group.name}: ${message}. To override: ${override}.`,
      })
    }
  }

  function logOutcome({ kind, group, subject, reason, error }: Outcome): void {
    const fields = { action: kind, subject, reason, ...(group === '' ? {} : { group }) }
    const what = `${kind} ${group} ${subject}`
    if (error === '') {
      failing.delete(what)
      if (eventReasons[kind]?.isWarning === true) log.warn(fields, 'done')
      else log.info(fields, 'done')
    } else if (failing.get(what) !== error) {
      if (failing.size >= failingMost) failing.clear()
      failing.set(what, error)
      log.error({ ...fields, error }, 'failed')
    }
  }

  function reportProblems(problems: Observation['problems'], next: Map<string, string>): void {
    for (const [name, problem] of problems) {
      const wasSaid = said.has(`group ${name}`)
      if (!isNews(next, `group ${name}`, problem)) continue
      if (problem !== '') log.error({ group: name }, problem)
      else if (wasSaid) log.info({ group: name }, 'the group can be kept again')
    }
  }

  function reportStatus(problem: string, next: Map<string, string>): void {
    const wasSaid = (said.get('status') ?? '') !== ''
    if (!isNews(next, 'status', problem)) return
    if (problem === '') {
      if (wasSaid) log.info({}, 'Ingress status can be written again')
      return
    }
    log.warn({}, problem)
    occur('Pod', undefined, { type: 'Warning', reason: 'StatusAddressMissing', message: problem })
  }

  function reportUnplaced(unplaced: Observation['unplaced'], next: Map<string, string>): void {
    for (const { proxy, reason } of unplaced) {
      const pod = `${proxy.pod.namespace}/${proxy.pod.name}`
      if (!isNews(next, `unplaced ${pod}: ${reason}`, reason)) continue
      const message = `this proxy cannot be a target: ${reason}`
      log.warn({ pod }, message)
      occur('Pod', proxy.pod, { type: 'Warning', reason: 'NoTargetAddress', message })
    }
  }

  return {
    reportOutcome(outcome) {
      recent.unshift(outcome)
      recent.length = Math.min(recent.length, recentMost)
      const { kind, group, subject, reason, error, about } = outcome
      const isDone = error === ''
      logOutcome(outcome)
      if (kind === 'register' || kind === 'deregister') {
        metrics.countChange(kind, isDone ? 'ok' : 'error', 1)
      }
      const reasons = eventReasons[kind]
      if (reasons === undefined) return
      const where = group === '' ? '' : ` in target group ${group}`
      occur(reasons.kind, about, {
        type: isDone && reasons.isWarning !== true ? 'Normal' : 'Warning',
        reason: isDone ? reasons.done : reasons.failed,
        message: isDone ? `${subject}${where}: ${reason}` : `${subject}${where}: ${error}`,
      })
    },
    reportPass(plan, { problems, unplaced, statusProblem }) {
      const next = new Map<string, string>()
      reportProblems(problems, next)
      reportUnplaced(unplaced, next)
      reportStatus(statusProblem, next)
      reportHeld(plan, next)
      said = next
    },
    reportGroup(group, clientAddresses, mismatches) {
      if (isNews(facts, group, clientAddresses)) {
        log.info({ group, clientAddresses }, 'keeps this target group')
      }
      for (const [reason, message] of Object.entries(mismatches)) {
        if (!isNews(facts, `${group} ${reason}`, message ?? '') || message === undefined) continue
        log.error({ group }, message)
        occur('Pod', undefined, { type: 'Warning', reason, message })
      }
    },
    recent: () => recent,
  }
}
