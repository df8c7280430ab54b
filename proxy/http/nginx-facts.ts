// Which lines tell an upstream about the client as ingress-nginx does? (`--forwarded-headers nginx`)
//
// Invariant: what was not believed is told under other names only (X-Original-Forwarded-*), as it came.

import type { NginxHeaders } from './client-rules.ts'
import { fieldValue, keepFields } from './fields.ts'
import {
  clientFacts,
  type ForwardedFields,
  type PeerFacts,
  type RequestFacts,
} from './forwarded.ts'
import { isRequestId } from './request-id.ts'

/** Path and query as well: X-Original-URI tells them. */
export interface NginxHead extends ForwardedFields {
  readonly path: string
  readonly query: string
}

/** Settles the facts of one request and writes the lines. An id that came is kept, whoever sent it. */
export function settleNginxFacts(
  peer: PeerFacts,
  nginx: NginxHeaders,
  head: NginxHead,
  createRequestId: () => string,
): RequestFacts {
  const facts = clientFacts(peer, head)
  const { clientAddress, scheme, forwardedHost } = facts
  const isIdGiven = isRequestId(head.requestId) && head.requestId !== ''
  const requestId = isIdGiven ? head.requestId : createRequestId()
  const isBelievedHost = peer.believed?.forwardedHost === true
  const isHostOther = isBelievedHost && forwardedHost !== head.authority
  let lines =
    `X-Real-IP: ${clientAddress}\r\n` +
    `X-Forwarded-For: ${nginx.keepsForwardedChain ? facts.forwardedFor : clientAddress}\r\n` +
    line('X-Forwarded-Host', forwardedHost) +
    `X-Forwarded-Port: ${facts.forwardedPort}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Scheme: ${scheme}\r\nX-Scheme: ${scheme}\r\n` +
    line('X-Original-Forwarded-For', forwardedForOf(head, nginx.forwardedForField)) +
    line('X-Original-Forwarded-Host', head.forwardedHost)
  if (isIdGiven || nginx.generatesRequestId) lines += `X-Request-ID: ${requestId}\r\n`
  if (nginx.addsOriginalUri) lines += `X-Original-URI: ${head.path}${head.query}\r\n`
  const others = peer.believed?.others
  if (others !== undefined && head.otherForwarded !== '') {
    lines += keepFields(head.otherForwarded, {
      has: (name) => others.has(name) && !ownNames.has(name),
    })
  }
  return {
    clientAddress,
    scheme,
    requestId,
    lines,
    ...(isHostOther ? { upstreamHost: forwardedHost } : {}),
  }
}

const ownNames: ReadonlySet<string> = new Set([
  ...['x-forwarded-scheme', 'x-scheme', 'x-original-uri'],
  ...['x-original-forwarded-for', 'x-original-forwarded-host'],
])

/** The chain of addresses as it came. */
export function forwardedForOf(fields: ForwardedFields, name: string): string | undefined {
  if (name === 'x-forwarded-for') return fields.forwardedFor
  return name === 'x-real-ip' ? fields.realIp : fieldValue(fields.otherForwarded, name, ', ')
}

/** ingress-nginx sends no field that would be empty. */
function line(name: string, value: string | undefined): string {
  return value === undefined || value === '' ? '' : `${name}: ${value}\r\n`
}
