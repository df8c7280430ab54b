// Which fields does a ConfigMap give to the responses of a route (ingress-nginx's custom-headers)?
//
// Invariant: a ConfigMap that is missing, or that holds a field which the operator did not allow, closes its route.
import { thrownBy } from './asset-fault.ts'
import { faultOfName, faultOfValue } from './header-edits.ts'
import type { AssetData, AssetRef, FieldEdits, Filter, FilterKind } from './kind.ts'

/** Replaces fields of all responses, Weir's own among them. */
export interface CustomHeadersFilter extends Filter {
  readonly kind: 'custom-headers'
  /** `namespace/name`. */
  readonly configMap: string
  /** Names in lower case. */
  readonly allowed: readonly string[]
}

export const customHeadersKind: FilterKind<CustomHeadersFilter> = {
  kind: 'custom-headers',
  isGuard: true,
  fault: () => undefined,
  assets: (filter) => [refOf(filter)],
  assetFault: ({ allowed }, _ref, data) => thrownBy(() => readFields(data, new Set(allowed))),
  compile(filter, context) {
    const allowed = new Set(filter.allowed)
    const live = context.asset(refOf(filter), (data) => readFields(data, allowed))
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const fields = live.value
          if (fields === undefined) return 'policy-closed'
          request.editResponse(fields)
          return undefined
        },
      },
    }
  },
}

function refOf({ configMap }: CustomHeadersFilter): AssetRef & { readonly kind: 'config-map' } {
  return { kind: 'config-map', name: configMap }
}

/** Throws where a field must not be set. */
function readFields(data: AssetData, allowed: ReadonlySet<string>): FieldEdits {
  const pairs = Object.entries(data).map(([given, value]) => {
    const name = given.toLowerCase()
    if (!allowed.has(name)) throw new Error(`'${name}' is not allowed`)
    // nginx would put a variable in the place of what begins with $.
    const fault =
      faultOfName(name) ?? faultOfValue(value) ?? (value.includes('$') ? '$' : undefined)
    if (fault !== undefined) throw new Error(fault)
    return [name, value] as const
  })
  // Of two spellings of one name the later one counts.
  const set = new Map(pairs)
  return {
    dropped: new Set(set.keys()),
    appended: [...set].map(([name, value]) => `${name}: ${value}\r\n`).join(''),
  }
}
