// In whose words are the facts of a request told to its upstream: Weir's or ingress-nginx's?
import { type PeerFacts, type RequestFacts, settleFacts } from './forwarded.ts'
import { type NginxHead, settleNginxFacts } from './nginx-facts.ts'

/** Settles the facts of one request and writes the lines that tell the upstream. */
export function requestFacts(
  peer: PeerFacts,
  head: NginxHead,
  createRequestId: () => string,
): RequestFacts {
  const { nginx } = peer.rules
  return nginx === undefined
    ? settleFacts(peer, head, createRequestId)
    : settleNginxFacts(peer, nginx, head, createRequestId)
}
