// Which lines tell an upstream about the client as Skipper does? (`--forwarded-headers skipper`) None of Weir's own: what a trusted
// peer says goes on as it came, and filters (xforward) add the rest.
//
// Invariant: what was not believed is not passed on, here either.
import { keepFields } from './fields.ts'
import {
  clientFacts,
  type ForwardedFields,
  type PeerFacts,
  type RequestFacts,
} from './forwarded.ts'
import { isRequestId } from './request-id.ts'

/** What is read of a request: its host, too, in lower case, without port and trailing dot. */
export interface SkipperHead extends ForwardedFields {
  readonly host: string
}

/** Settles the facts of one request and writes the lines. Upstreams see the host as it is compared. */
export function settleSkipperFacts(
  peer: PeerFacts,
  head: SkipperHead,
  createRequestId: () => string,
): RequestFacts {
  const { believed } = peer
  const { clientAddress, scheme } = clientFacts(peer, head)
  const isIdGiven = head.requestId !== '' && isRequestId(head.requestId)
  let lines = isIdGiven ? `X-Request-Id: ${head.requestId}\r\n` : ''
  if (believed !== undefined) {
    lines +=
      line('X-Forwarded-For', believed.forwardedFor && head.forwardedFor) +
      line('X-Forwarded-Proto', believed.forwardedProto && head.forwardedProto) +
      line('X-Forwarded-Host', believed.forwardedHost && head.forwardedHost) +
      line('X-Forwarded-Port', believed.forwardedPort && head.forwardedPort) +
      line('X-Real-IP', believed.realIp && head.realIp)
    const { others } = believed
    if (others !== undefined && head.otherForwarded !== '') {
      lines += keepFields(head.otherForwarded, others)
    }
  }
  return {
    clientAddress,
    scheme,
    requestId: isIdGiven ? head.requestId : createRequestId(),
    lines,
    ...(head.host === head.authority ? {} : { upstreamHost: head.host }),
  }
}

function line(name: string, value: string | false | undefined): string {
  return value === false || value === undefined || value === '' ? '' : `${name}: ${value}\r\n`
}
