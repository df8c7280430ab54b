// What is wrong with a Secret or ConfigMap that is there? For its owner: the worker that cannot read it closes the route without a word.
import type { AssetData, AssetRef, FilterKind } from './kind.ts'

/** What reading an asset throws, in words; they tell nothing of its contents but names. */
export function thrownBy(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What some filter among `kinds` says of an asset that it named; undefined: each can be served with it. */
export function assetFaultOf(
  filters: readonly { readonly kind: string }[],
  kindOf: (kind: string) => FilterKind | undefined,
  ref: AssetRef,
  data: AssetData,
): string | undefined {
  for (const filter of filters) {
    const kind = kindOf(filter.kind)
    const isNamed = kind
      ?.assets?.(filter)
      .some((each) => each.kind === ref.kind && each.name === ref.name)
    const fault = isNamed === true ? kind?.assetFault?.(filter, ref, data) : undefined
    if (fault !== undefined) return fault
  }
  return undefined
}
