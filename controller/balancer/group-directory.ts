// Which target groups are kept, and what AWS says about them and the load balancers in front of them.
// Facts change rarely: they are read every five minutes, and at once when a group is unknown or was not found.
// Invariant: an error keeps the facts that are known; only AWS's own "there is no such group" drops them.
import { AwsFailure } from '../aws/aws-failure.ts'
import type { BalancerFacts, Elbv2 } from '../aws/elbv2.ts'
import type { GroupFacts } from '../world.ts'

/** One `--target-group` and what is known about it. */
export interface GroupEntry {
  /** As the operator wrote it. */
  readonly given: string
  readonly facts?: GroupFacts
  readonly attributes: ReadonlyMap<string, string>
  readonly balancers: readonly BalancerFacts[]
  /** Why the group cannot be kept right now; empty when all is well. */
  readonly problem: string
}

const refreshEveryMs = 300_000

export class GroupDirectory {
  readonly #elbv2: Elbv2
  readonly #slots: { readonly given: string; entry: GroupEntry; readAtMs: number | undefined }[]

  constructor(elbv2: Elbv2, given: readonly string[]) {
    this.#elbv2 = elbv2
    this.#slots = given.map((name) => ({
      given: name,
      entry: { given: name, attributes: new Map(), balancers: [], problem: 'not read yet' },
      readAtMs: undefined,
    }))
  }

  /** Everything that is known, without asking. */
  entries(): readonly GroupEntry[] {
    return this.#slots.map(({ entry }) => entry)
  }

  /** Brings up to date what is due; one group's failure does not touch the others. */
  async refresh(nowMs: number): Promise<readonly GroupEntry[]> {
    await Promise.all(
      this.#slots.map(async (slot) => {
        if (slot.readAtMs !== undefined && nowMs - slot.readAtMs < refreshEveryMs) return
        slot.entry = await this.#read(slot.given, slot.entry)
        slot.readAtMs = slot.entry.problem === '' ? nowMs : undefined
      }),
    )
    return this.entries()
  }

  /** Forgets a group that AWS says does not exist; it is looked for again in the next pass. */
  forget(arn: string): void {
    for (const slot of this.#slots) {
      if (slot.entry.facts?.arn !== arn) continue
      slot.readAtMs = undefined
      slot.entry = missing(slot.given)
    }
  }

  async #read(given: string, earlier: GroupEntry): Promise<GroupEntry> {
    const found = await attempt(this.#elbv2.findGroup(given))
    if (found instanceof AwsFailure) return { ...earlier, problem: found.message }
    if (found === undefined) return missing(given)
    const [attributes, balancers] = await Promise.all([
      attempt(this.#elbv2.groupAttributes(found.arn)),
      attempt(this.#elbv2.loadBalancers(found.loadBalancerArns)),
    ])
    // Targets can be kept without these two: what they are needed for waits, and the problem is told.
    const failure = [attributes, balancers].find((answer) => answer instanceof AwsFailure)
    return {
      given,
      facts: found,
      attributes: attributes instanceof AwsFailure ? earlier.attributes : attributes,
      balancers: balancers instanceof AwsFailure ? earlier.balancers : balancers,
      problem: failure?.message ?? '',
    }
  }
}

async function attempt<T>(answer: Promise<T>): Promise<T | AwsFailure> {
  try {
    return await answer
  } catch (failure) {
    if (failure instanceof AwsFailure) return failure
    throw failure
  }
}

function missing(given: string): GroupEntry {
  const remedy = given.startsWith('arn:')
    ? 'a group that is created anew gets a new ARN: set --target-group to it, or give the name'
    : 'create it, or correct --target-group; it is looked for again in every pass'
  return {
    given,
    attributes: new Map(),
    balancers: [],
    problem: `target group ${given} does not exist: ${remedy}`,
  }
}
