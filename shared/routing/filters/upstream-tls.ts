// Are the Secret and the authorities there by which the endpoints of a route are spoken to? Without them the route is closed.
//
// Invariant: a route whose endpoints are to be verified, or to be shown a certificate, never goes to them without.
import { authorityFault, pairFault } from '../../authorities.ts'
import type { AuthorityRef } from '../upstreams/upstream-tls.ts'
import type { AssetData, AssetRef, Filter, FilterKind, WantedAsset } from './kind.ts'

/** Waits for what an upstream's TLS is made of; nothing else (see ../upstreams/upstream-tls.ts). */
export interface UpstreamTlsFilter extends Filter {
  readonly kind: 'upstream-tls'
  /** `namespace/name`. */
  readonly secret?: string
  /** Where the authorities are; absent: in the Secret, if anybody is verified by it. */
  readonly authority?: AuthorityRef
  readonly verifies: boolean
}

export const upstreamTlsKind: FilterKind<UpstreamTlsFilter> = {
  kind: 'upstream-tls',
  isGuard: true,
  fault: () => undefined,
  assets: (filter) => refsOf(filter),
  assetFault: (filter, ref, data) => faultOf(filter, ref, data),
  compile(filter, context) {
    const lives = refsOf(filter).map((ref) =>
      context.asset(ref, (data) => faultOf(filter, ref, data) === undefined),
    )
    return {
      request: {
        kind: 'sync',
        decide: () => (lives.every(({ value }) => value === true) ? undefined : 'policy-closed'),
      },
    }
  },
}

function refsOf({ secret, authority }: UpstreamTlsFilter) {
  const refs: (WantedAsset & AuthorityRef)[] = []
  if (secret !== undefined) refs.push({ kind: 'secret', name: secret })
  if (authority !== undefined && !(authority.kind === 'secret' && authority.name === secret)) {
    refs.push(authority)
  }
  return refs
}

function faultOf(
  { secret, authority, verifies }: UpstreamTlsFilter,
  ref: AssetRef,
  data: AssetData,
): string | undefined {
  const isPair = ref.kind === 'secret' && ref.name === secret
  if (!isPair) return authorityFault(data)
  if (authority !== undefined) {
    const isBoth = authority.kind === 'secret' && authority.name === secret
    return pairFault(data) ?? (isBoth ? authorityFault(data) : undefined)
  }
  return verifies ? authorityFault(data) : faultOfEither(data)
}

/** As ingress-nginx has it: a pair or an authority is enough; what is there must be readable. */
function faultOfEither(data: AssetData): string | undefined {
  const { 'ca.crt': ca, 'tls.crt': certificate, 'tls.key': key } = data
  const hasPair = certificate !== undefined && key !== undefined
  if (ca === undefined && !hasPair) return 'it has neither ca.crt nor tls.crt with tls.key'
  return (
    (ca === undefined ? undefined : authorityFault(data)) ?? (hasPair ? pairFault(data) : undefined)
  )
}
