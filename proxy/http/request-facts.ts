// In whose words are the facts of a request told to its upstream: Weir's, ingress-nginx's or Skipper's?
import { type PeerFacts, type RequestFacts, settleFacts } from './forwarded.ts'
import { type NginxHead, settleNginxFacts } from './nginx-facts.ts'
import { type SkipperHead, settleSkipperFacts } from './skipper-facts.ts'

/** Settles the facts of one request and writes the lines that tell the upstream. */
export function requestFacts(
  peer: PeerFacts,
  head: NginxHead & SkipperHead,
  createRequestId: () => string,
): RequestFacts {
  const { nginx, isAsSkipper } = peer.rules
  if (nginx !== undefined) return settleNginxFacts(peer, nginx, head, createRequestId)
  return isAsSkipper
    ? settleSkipperFacts(peer, head, createRequestId)
    : settleFacts(peer, head, createRequestId)
}
