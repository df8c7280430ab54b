// What do Weir and the upstream know about the client? Settles it once per connection, and per request only where it varies.
//
// Invariant: nothing that an untrusted peer sends about itself is believed or passed on.
// Invariant: with the PROXY protocol its source is the peer: the load balancer in front is not a hop of its own.

import { normaliseAddress } from '../../shared/ip-address.ts'
import type { ProxyEndpoint } from '../net/proxy-protocol.ts'
import { followForwardedFor, type TrustedPeers } from './forwarded-for.ts'
import { isRequestId } from './request-id.ts'

/** The part of the facts that is the same for every request of a connection. */
export interface PeerFacts {
  /** The socket's peer, or the PROXY header's source. */
  readonly address: string
  readonly isTrusted: boolean
  readonly trusted: TrustedPeers
  readonly scheme: 'http' | 'https'
  /** The port that the client connected to, as text. */
  readonly port: string
  /** Ready lines for a request whose fields are not believed. */
  readonly lines: string
}

/** What a request says about its client, as it was sent; several lines are joined by commas. */
export interface ForwardedFields {
  readonly forwardedFor: string | undefined
  readonly forwardedProto: string | undefined
  readonly forwardedHost: string | undefined
  readonly forwardedPort: string | undefined
  /** Host as the client sent it; empty when there was none. */
  readonly authority: string
  /** Ready lines of other X-Forwarded-* fields and Forwarded. */
  readonly otherForwarded: string
  /** Empty when the client sent none. */
  readonly requestId: string
}

/** What is believed about a request's client, and what goes upstream as X-Forwarded-*. */
export interface ClientFacts {
  readonly clientAddress: string
  readonly scheme: 'http' | 'https'
  readonly forwardedFor: string
  readonly forwardedHost: string
  readonly forwardedPort: string
}

/** The facts of one request as the exchange uses them. */
export interface RequestFacts {
  readonly clientAddress: string
  readonly scheme: 'http' | 'https'
  readonly requestId: string
  /** Ready X-Forwarded-*, X-Real-IP and X-Request-Id lines for the upstream. */
  readonly lines: string
}

/** Settles what one connection says by itself. Scheme and port as ingress-nginx has them: PROXY destination, else listener. */
export function connectionFacts(connection: {
  /** Address of the socket's peer as Node gives it. */
  readonly peerAddress: string
  readonly proxySource: ProxyEndpoint | undefined
  readonly proxyDestination: ProxyEndpoint | undefined
  readonly trusted: TrustedPeers
  readonly listenPort: number
}): PeerFacts {
  const { proxySource, proxyDestination, peerAddress, trusted, listenPort } = connection
  // Node writes the peer of a dual-stack socket as ::ffff:a.b.c.d.
  const address = proxySource?.address ?? normaliseAddress(peerAddress) ?? peerAddress
  const scheme = proxyDestination?.port === 443 ? 'https' : 'http'
  const port = String(proxyDestination?.port ?? listenPort)
  const lines = factLines(address, scheme, port, address)
  return { address, isTrusted: trusted.has(address), trusted, scheme, port, lines }
}

/** Settles what is known about one request's client; values of a trusted peer count where they are well formed. */
export function clientFacts(peer: PeerFacts, fields: ForwardedFields): ClientFacts {
  if (!peer.isTrusted) {
    return {
      clientAddress: peer.address,
      scheme: peer.scheme,
      forwardedFor: peer.address,
      forwardedHost: fields.authority,
      forwardedPort: peer.port,
    }
  }
  const list = fields.forwardedFor ?? ''
  const { client, chain } = followForwardedFor(list, peer.address, peer.trusted)
  const proto = lastMember(fields.forwardedProto).toLowerCase()
  const host = lastMember(fields.forwardedHost)
  const port = lastMember(fields.forwardedPort)
  return {
    clientAddress: client,
    scheme: proto === 'http' || proto === 'https' ? proto : peer.scheme,
    forwardedFor: chain,
    forwardedHost: isHost(host) ? host : fields.authority,
    forwardedPort: isPort(port) ? port : peer.port,
  }
}

/**
 * Settles the facts of one request and writes the lines that tell the upstream. `otherForwarded` are ready lines of other
 * X-Forwarded-* fields and Forwarded; `requestId` is empty when the client sent none. Both count from trusted peers only.
 */
export function settleFacts(
  peer: PeerFacts,
  head: ForwardedFields,
  createRequestId: () => string,
): RequestFacts {
  // The usual case, an untrusted peer, parses nothing: all but two lines were written when the connection came.
  if (!peer.isTrusted) {
    const requestId = createRequestId()
    const lines = peer.lines + requestLines(head.authority, requestId)
    return { clientAddress: peer.address, scheme: peer.scheme, requestId, lines }
  }
  const { clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort } = clientFacts(
    peer,
    head,
  )
  const requestId = isRequestId(head.requestId) ? head.requestId : createRequestId()
  const lines =
    factLines(forwardedFor, scheme, forwardedPort, clientAddress) +
    requestLines(forwardedHost, requestId) +
    head.otherForwarded
  return { clientAddress, scheme, requestId, lines }
}

function factLines(forwardedFor: string, scheme: string, port: string, client: string): string {
  return `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Port: ${port}\r\nX-Real-IP: ${client}\r\n`
}

function requestLines(host: string, requestId: string): string {
  const id = `X-Request-Id: ${requestId}\r\n`
  return host === '' ? id : `X-Forwarded-Host: ${host}\r\n${id}`
}

/** Of a list the last member was written by the nearest proxy, the one that is trusted. */
function lastMember(value: string | undefined): string {
  return value === undefined ? '' : value.slice(value.lastIndexOf(',') + 1).trim()
}

function isHost(text: string): boolean {
  return text.length <= 261 && /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$/.test(text)
}

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65535
}
