// Does a request come around in a circle? Each request that goes upstream is marked (RFC 8586); its marks are counted when it
// comes in.
//
// Invariant: a mark only counts against the request that carries it: what a client forges costs nobody else anything, and the
// answer is one that no cache keeps unasked (RFC 9110 §15.1).

/** Passes through any Weir after which a request is answered 508. More than a chain of proxies has that means to be one. */
export const maxPasses = 5

/** The mark, as a ready line. */
export const passLine = 'CDN-Loop: weir\r\n'

// An id ends with its parameters or the next member.
const ownMember = /(?:^|,)[\t ]*weir[\t ]*(?=[;,]|$)/gi

/** Counts Weir's own marks in the value of a CDN-Loop field. */
export function countPasses(value: string): number {
  return value.match(ownMember)?.length ?? 0
}
