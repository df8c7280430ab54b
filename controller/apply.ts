// Carries out a plan: groups side by side, each group's actions in order, each failure kept to what it concerns.
// Invariant: nothing is registered whose claim was not written; nothing is done after the lease was lost.
import type { Clock } from '../shared/clock.ts'
import type { KubeClient } from '../shared/kube/client.ts'
import type { Elbv2 } from './aws/elbv2.ts'
import {
  openGate,
  withdrawHostnames,
  writeHostnames,
  writeOnRouteGroup,
} from './status/write-status.ts'
import { type Applied, deregisterTargets, registerTargets } from './targets/apply-targets.ts'
import type { GroupMemory } from './targets/group-memory.ts'
import type { Action, Deregistration, ObjectRef, Plan, Registration, TargetKey } from './world.ts'

/** What became of one action, for the log, Events, metrics and /targets. */
export interface Outcome {
  readonly kind: Action['kind']
  /** Name of the group; empty for actions on Kubernetes objects. */
  readonly group: string
  /** The target, pod or Ingress. */
  readonly subject: string
  readonly about: ObjectRef | undefined
  readonly reason: string
  /** Empty when it was done. */
  readonly error: string
  /** Wall ms. */
  readonly atMs: number
}

export interface ApplierOptions {
  readonly elbv2: Elbv2
  readonly client: KubeClient
  readonly clock: Clock
  /** Under which name we write Ingress status: it tells later what is ours. */
  readonly fieldManager: string
  /** Hears of every status that was written. */
  readonly noteShown: (ingress: ObjectRef, hostnames: readonly string[]) => void
  readonly memory: (groupArn: string) => GroupMemory
  readonly changeOwned: (
    groupArn: string,
    change: { readonly add?: readonly TargetKey[]; readonly remove?: readonly TargetKey[] },
  ) => Promise<boolean>
  /** False once another replica may act. */
  readonly mayAct: () => boolean
  readonly onOutcome: (outcome: Outcome) => void
}

type TargetAction = Extract<Action, { readonly group: unknown }>

type ObjectAction = Exclude<Action, TargetAction>

/** Carries out what a plan says about targets; resolves with true when every action was done. */
export async function applyTargets(plan: Plan, options: ApplierOptions): Promise<boolean> {
  const perGroup = new Map<string, TargetAction[]>()
  for (const action of plan.actions) {
    if (!('group' in action)) continue
    const actions = perGroup.get(action.group.arn) ?? []
    actions.push(action)
    perGroup.set(action.group.arn, actions)
  }
  const groups = await Promise.all(
    [...perGroup.values()].map((actions) => applyGroup(actions, options)),
  )
  return groups.every((isDone) => isDone)
}

// With thousands of Ingresses a first run writes as many statuses: not all at once, and in shares, so that a gate
// that opens meanwhile waits for one share only.
const objectsAtOnce = 8
const objectsPerShare = 400

/** What became of a share: whether all of it was written, and whether there is more. */
export interface WrittenShare {
  readonly isDone: boolean
  readonly hasMore: boolean
}

/** Carries out the first share of what a plan says about Kubernetes objects. */
export async function applyObjects(plan: Plan, options: ApplierOptions): Promise<WrittenShare> {
  const actions = plan.actions.filter((action): action is ObjectAction => !('group' in action))
  const queue = actions.slice(0, objectsPerShare)
  const hasMore = actions.length > queue.length
  let isDone = true
  const work = async (): Promise<void> => {
    for (let action = queue.shift(); action !== undefined; action = queue.shift()) {
      const isWritten = options.mayAct() && (await applyObject(action, options))
      isDone &&= isWritten
    }
  }
  await Promise.all(Array.from({ length: objectsAtOnce }, work))
  return { isDone, hasMore }
}

async function applyGroup(
  actions: readonly TargetAction[],
  options: ApplierOptions,
): Promise<boolean> {
  let isDone = true
  let isClaimed = true
  for (const action of actions) {
    if (!options.mayAct()) return false
    switch (action.kind) {
      case 'claim':
        isClaimed = await applyRecord(action, options)
        isDone &&= isClaimed
        break
      case 'register':
        if (isClaimed) isDone = (await applyRegister(action, options)) && isDone
        break
      case 'deregister':
        isDone = (await applyDeregister(action, options)) && isDone
        break
      case 'release':
        isDone = (await applyRecord(action, options)) && isDone
    }
  }
  return isDone
}

async function applyRecord(
  action: Extract<Action, { readonly kind: 'claim' | 'release' }>,
  { changeOwned, clock, onOutcome }: ApplierOptions,
): Promise<boolean> {
  const change = action.kind === 'claim' ? { add: action.keys } : { remove: action.keys }
  const isWritten = await changeOwned(action.group.arn, change)
  onOutcome({
    kind: action.kind,
    group: action.group.name,
    subject: action.keys.join(' '),
    about: undefined,
    reason: action.kind === 'claim' ? 'recorded before it is registered' : 'gone from the group',
    error: isWritten ? '' : 'the ownership record in the Lease could not be written',
    atMs: clock.wallNow(),
  })
  return isWritten
}

async function applyRegister(
  action: Extract<Action, { readonly kind: 'register' }>,
  options: ApplierOptions,
): Promise<boolean> {
  const { elbv2, mayAct, memory, clock } = options
  const applied = await registerTargets(elbv2, action.group, action.targets, mayAct)
  const remembered = memory(action.group.arn)
  remembered.noteRegistered(applied.done, clock.now())
  for (const id of applied.outsideVpc) remembered.outsideVpc.add(id)
  report(action, applied, ({ target }: Registration) => target.pod, options)
  return applied.done.length === action.targets.length
}

async function applyDeregister(
  action: Extract<Action, { readonly kind: 'deregister' }>,
  options: ApplierOptions,
): Promise<boolean> {
  const { elbv2, mayAct, memory, clock } = options
  const applied = await deregisterTargets(elbv2, action.group, action.targets, mayAct)
  memory(action.group.arn).noteDeregistered(applied.done, clock.now())
  report(action, applied, ({ pod }: Deregistration) => pod, options)
  return applied.done.length === action.targets.length
}

function report<T extends Registration | Deregistration>(
  action: Extract<Action, { readonly kind: 'register' | 'deregister' }>,
  applied: Applied<T>,
  podOf: (item: T) => ObjectRef | undefined,
  { clock, onOutcome }: ApplierOptions,
): void {
  const tell = (item: T, error: string): void =>
    onOutcome({
      kind: action.kind,
      group: action.group.name,
      subject: item.target.key,
      about: podOf(item),
      reason: item.reason,
      error,
      atMs: clock.wallNow(),
    })
  for (const item of applied.done) tell(item, '')
  for (const { items, failure } of applied.failed) {
    for (const item of items) tell(item, failure.message)
  }
}

async function applyObject(action: ObjectAction, options: ApplierOptions): Promise<boolean> {
  const { clock, onOutcome } = options
  const { about, reason, error } = await writeObject(action, options)
  onOutcome({
    kind: action.kind,
    group: '',
    subject: `${about.namespace}/${about.name}`,
    about,
    reason,
    error,
    atMs: clock.wallNow(),
  })
  return error === ''
}

async function writeObject(
  action: ObjectAction,
  { client, clock, fieldManager, noteShown }: ApplierOptions,
): Promise<Pick<Outcome, 'reason' | 'error'> & { readonly about: ObjectRef }> {
  switch (action.kind) {
    case 'open-gate':
    case 'skip-gate': {
      const { pod, reason } = action
      return { about: pod, reason, error: await openGate(client, clock, action) }
    }
    case 'show-hostnames': {
      const { ingress, hostnames } = action
      const error = await writeHostnames(client, fieldManager, ingress, hostnames)
      if (error === '') noteShown(ingress, hostnames)
      return { about: ingress, reason: `shows ${hostnames.join(', ')}`, error }
    }
    case 'show-on-route-group': {
      const { routeGroup, hostnames } = action
      const error = await writeOnRouteGroup(client, fieldManager, routeGroup, hostnames)
      return { about: routeGroup, reason: `shows ${hostnames.join(', ')}`, error }
    }
    case 'withdraw-hostnames': {
      const { ingress, hostnames, className } = action.left
      const why = className === '' ? 'it names no class any more' : `its class is ${className} now`
      return {
        about: ingress,
        reason: `shows ${hostnames.join(', ')} no more: ${why}`,
        error: await withdrawHostnames(client, fieldManager, action.left),
      }
    }
  }
}
