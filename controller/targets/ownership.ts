// What did Weir register? With `--ownership tracked` only that is ever removed, so that two clusters can share a group.
// Kept as an annotation of the Lease: only its holder can write it, so two leaders cannot undo each other's record.
import type { Election } from '../election.ts'
import type { TargetKey } from '../world.ts'

const annotation = 'weir.dev/targets'

/** Keys by group ARN. */
type OwnershipRecord = Readonly<Record<string, readonly TargetKey[]>>

/** Reads the keys that Weir registered in a group. */
export function ownedTargets(election: Election, groupArn: string): ReadonlySet<TargetKey> {
  return new Set(readRecord(election.annotation(annotation))[groupArn] ?? [])
}

/** Adds and takes away keys; resolves with false when the record was not written: nothing may be registered then. */
export function changeOwned(
  election: Election,
  groupArn: string,
  change: { readonly add?: readonly TargetKey[]; readonly remove?: readonly TargetKey[] },
): Promise<boolean> {
  return election.annotate(annotation, (current) => {
    const record = readRecord(current)
    const keys = new Set(record[groupArn] ?? [])
    for (const key of change.add ?? []) keys.add(key)
    for (const key of change.remove ?? []) keys.delete(key)
    return JSON.stringify({ ...record, [groupArn]: [...keys].sort() })
  })
}

/** An annotation that somebody broke is an empty record: nothing is removed then. */
function readRecord(text: string | undefined): OwnershipRecord {
  let value: unknown
  try {
    value = JSON.parse(text ?? '{}')
  } catch {
    return {}
  }
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([arn, keys]) =>
      Array.isArray(keys) ? [[arn, keys.filter((key) => typeof key === 'string')]] : [],
    ),
  )
}
