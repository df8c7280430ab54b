// Is the Secret there by which the endpoints of a route are spoken to? Without it the route is closed.
//
// Invariant: a route whose endpoints are to be verified, or to be shown a certificate, never goes to them without.
import type { AssetData, AssetRef, Filter, FilterKind } from './kind.ts'

/** Waits for the Secret of an upstream's TLS; nothing else (see ../upstreams/upstream-tls.ts). */
export interface UpstreamTlsFilter extends Filter {
  readonly kind: 'upstream-tls'
  /** `namespace/name`. */
  readonly secret: string
  readonly verifies: boolean
}

export const upstreamTlsKind: FilterKind<UpstreamTlsFilter> = {
  kind: 'upstream-tls',
  isGuard: true,
  fault: () => undefined,
  assets: (filter) => [refOf(filter)],
  assetFault: ({ verifies }, _ref, data) =>
    isUsable(data, verifies)
      ? undefined
      : verifies
        ? 'it has no ca.crt to verify by'
        : 'it has neither ca.crt nor tls.crt with tls.key',
  compile(filter, context) {
    const live = context.asset(refOf(filter), (data) => isUsable(data, filter.verifies))
    return {
      request: {
        kind: 'sync',
        decide: () => (live.value === true ? undefined : 'policy-closed'),
      },
    }
  },
}

function refOf({ secret }: UpstreamTlsFilter): AssetRef & { readonly kind: 'secret' } {
  return { kind: 'secret', name: secret }
}

/** As ingress-nginx has it: a pair or an authority is enough, and who verifies needs the authority. */
function isUsable(data: AssetData, verifies: boolean): boolean {
  const { 'ca.crt': ca, 'tls.crt': certificate, 'tls.key': key } = data
  const hasPair = certificate !== undefined && key !== undefined
  return ca !== undefined || (hasPair && !verifies)
}
