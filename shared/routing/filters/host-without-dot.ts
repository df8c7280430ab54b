// A host may end in a dot (RFC 1034 §3.1: the name is absolute); some servers know it only without.
import type { Filter, FilterKind } from './kind.ts'

/** The host goes upstream without its last dot. */
export type HostWithoutDotFilter = Filter & { readonly kind: 'host-without-dot' }

export const hostWithoutDotKind: FilterKind<HostWithoutDotFilter> = {
  kind: 'host-without-dot',
  fault: () => undefined,
  compile: () => ({
    request: {
      kind: 'sync',
      decide(request) {
        const host = request.upstreamHost || request.authority
        const [, name, port = ''] = /^(.+)\.(:\d+)?$/.exec(host) ?? []
        if (name !== undefined) request.upstreamHost = name + port
        return undefined
      },
    },
  }),
}
