// How does an upstream hear of the peer where Weir adds nothing of its own (`--forwarded-headers skipper`)? As the last address of
// X-Forwarded-For, with the host in X-Forwarded-Host. Where Weir has already said both, nothing changes.
import type { Filter, FilterKind } from './kind.ts'

/** Skipper's xforward. */
export type ForwardedPeerFilter = Filter & { readonly kind: 'forwarded-peer' }

export const forwardedPeerKind: FilterKind<ForwardedPeerFilter> = {
  kind: 'forwarded-peer',
  fault: () => undefined,
  compile: () => ({
    request: {
      kind: 'sync',
      decide(request) {
        const { peerAddress, host } = request
        const list = request.field('x-forwarded-for') ?? ''
        const last = list.slice(list.lastIndexOf(',') + 1).trim()
        if (last !== peerAddress) {
          request.setField('x-forwarded-for', list === '' ? peerAddress : `${list}, ${peerAddress}`)
        }
        if (request.field('x-forwarded-host') === undefined) {
          request.setField('x-forwarded-host', host)
        }
        return undefined
      },
    },
  }),
}
