// Carries out registrations and deregistrations: chunks of 200, and one bad target never takes the others with it.
import { AwsFailure } from '../aws/aws-failure.ts'
import type { Elbv2, TargetId } from '../aws/elbv2.ts'
import type { GroupFacts } from '../world.ts'

/** What became of a list of targets. */
export interface Applied<T> {
  readonly done: readonly T[]
  readonly failed: readonly { readonly items: readonly T[]; readonly failure: AwsFailure }[]
  /** Ids that AWS took only with the zone `all`: they are outside the VPC. */
  readonly outsideVpc: readonly string[]
}

const chunkSize = 200

/** Registers targets. `mayAct` is asked before each call: a leader that lost its lease stops in the middle. */
export async function registerTargets<T extends { readonly target: TargetId }>(
  elbv2: Elbv2,
  group: GroupFacts,
  items: readonly T[],
  mayAct: () => boolean,
): Promise<Applied<T>> {
  const outsideVpc: string[] = []
  const { done, failed } = await inChunks(items, mayAct, async (chunk) => {
    try {
      await elbv2.register(group.arn, chunk.map(targetId))
    } catch (failure) {
      const [only] = chunk
      if (chunk.length > 1 || only === undefined || !mayBeOutside(group, only.target, failure)) {
        throw failure
      }
      await elbv2.register(group.arn, [{ ...targetId(only), zone: 'all' }])
      outsideVpc.push(only.target.id)
    }
  })
  return { done, failed, outsideVpc }
}

/** Deregisters targets. */
export async function deregisterTargets<T extends { readonly target: TargetId }>(
  elbv2: Elbv2,
  group: GroupFacts,
  items: readonly T[],
  mayAct: () => boolean,
): Promise<Applied<T>> {
  const applied = await inChunks(items, mayAct, (chunk) =>
    elbv2.deregister(group.arn, chunk.map(targetId)),
  )
  return { ...applied, outsideVpc: [] }
}

function targetId({ target }: { readonly target: TargetId }): TargetId {
  const { id, port, zone } = target
  return { id, port, ...(zone === undefined ? {} : { zone }) }
}

/**
 * AWS does not tell by code which target is wrong, nor that a zone is missing: an invalid chunk is halved until the
 * bad target is alone (8 steps for 200), and an address alone is tried with the zone `all`, which fails inside the VPC.
 */
function mayBeOutside(group: GroupFacts, target: TargetId, failure: unknown): boolean {
  const isInvalid = failure instanceof AwsFailure && failure.code === 'invalid-target'
  return isInvalid && group.targetType === 'ip' && target.zone === undefined
}

async function inChunks<T>(
  items: readonly T[],
  mayAct: () => boolean,
  send: (chunk: readonly T[]) => Promise<void>,
): Promise<Pick<Applied<T>, 'done' | 'failed'>> {
  const done: T[] = []
  const failed: { items: readonly T[]; failure: AwsFailure }[] = []
  const queue: (readonly T[])[] = []
  for (let at = 0; at < items.length; at += chunkSize) queue.push(items.slice(at, at + chunkSize))
  for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
    if (!mayAct()) break
    try {
      await send(chunk)
      done.push(...chunk)
    } catch (failure) {
      if (!(failure instanceof AwsFailure)) throw failure
      if (failure.code === 'invalid-target' && chunk.length > 1) {
        const half = Math.ceil(chunk.length / 2)
        queue.unshift(chunk.slice(0, half), chunk.slice(half))
      } else failed.push({ items: chunk, failure })
    }
  }
  return { done, failed }
}
