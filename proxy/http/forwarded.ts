// What do Weir and the upstream know about the client? Settles it once per connection, and per request only where it varies.
//
// Invariant: nothing that an untrusted peer sends about itself is believed or passed on, and of a trusted peer only the fields
// that it writes itself (trusted-fields.ts).
// Invariant: with the PROXY protocol its source is the peer: the load balancer in front is not a hop of its own.

import { normaliseAddress } from '../../shared/ip-address.ts'
import type { ConnectionTls } from '../../shared/routing/filters/kind.ts'
import type { TrustedFields } from '../../shared/trusted-fields.ts'
import type { ProxyEndpoint } from '../net/proxy-protocol.ts'
import type { ClientRules } from './client-rules.ts'
import { fieldValue, keepFields } from './fields.ts'
import { readForwarded } from './forwarded-field.ts'
import { followForwardedFor, memberAt, parseViewerAddress } from './forwarded-for.ts'
import { isRequestId } from './request-id.ts'

/** The part of the facts that is the same for every request of a connection. */
export interface PeerFacts {
  /** The socket's peer, or the PROXY header's source. */
  readonly address: string
  /** The fields that are believed; undefined when none is, as of a peer that nobody trusts. */
  readonly believed: TrustedFields | undefined
  readonly rules: ClientRules
  readonly scheme: 'http' | 'https'
  /** The port that the client connected to: by the PROXY header, else (ingress-nginx) ours; empty when nobody said. */
  readonly port: string
  /** What the facts were settled from, to do it again by other rules. */
  readonly connection: PeerConnection
  /** Ready lines for requests whose fields are not believed; kept for the host that was asked last, which seldom changes. */
  readonly ready: { authority: string | undefined; lines: string }
}

/** What a request says about its client, as it was sent; several lines are joined by commas. */
export interface ForwardedFields {
  readonly forwardedFor: string | undefined
  readonly forwardedProto: string | undefined
  readonly forwardedHost: string | undefined
  readonly forwardedPort: string | undefined
  readonly realIp: string | undefined
  /** Host as the client sent it; empty when there was none. */
  readonly authority: string
  /** Ready lines of other fields in which a proxy speaks about its client (trusted-fields.ts). */
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
  /** Host that goes upstream instead of the client's. */
  readonly upstreamHost?: string
}

/** What TLS says of a connection that ends at our port. */
export interface TlsFacts extends ConnectionTls {
  /** Whether a request for this host may come on it (RFC 9110 §15.5.20). Lower case, without port. */
  mayAsk(host: string): boolean
}

/** Who connected, and where. */
export interface PeerConnection {
  /** Address of the socket's peer as Node gives it. */
  readonly peerAddress: string
  /** Our port. */
  readonly localPort: number
  /** TLS ends at our port. */
  readonly isSecure: boolean
  /** Undefined: TLS does not end at our port. */
  readonly tls?: TlsFacts | undefined
  readonly proxySource: ProxyEndpoint | undefined
  readonly proxyDestination: ProxyEndpoint | undefined
}

/**
 * Settles what one connection says by itself. The scheme is that of our port; where TLS ends in front of it, as ingress-nginx
 * has it: by the destination of a PROXY header.
 */
export function connectionFacts(connection: PeerConnection, rules: ClientRules): PeerFacts {
  const { proxySource, proxyDestination, peerAddress, localPort, isSecure } = connection
  // Node writes the peer of a dual-stack socket as ::ffff:a.b.c.d.
  const address = proxySource?.address ?? normaliseAddress(peerAddress) ?? peerAddress
  const scheme = isSecure || proxyDestination?.port === 443 ? 'https' : 'http'
  // ingress-nginx says 443 wherever TLS ends here, whatever its port.
  const shownPort = isSecure ? '443' : String(localPort)
  const ownPort = rules.nginx === undefined ? '' : shownPort
  const port = proxyDestination === undefined ? ownPort : String(proxyDestination.port)
  const ready = { authority: undefined, lines: '' }
  return { address, believed: rules.believedOf(address), rules, scheme, port, ready, connection }
}

/** Settles what is known about one request's client; values of trusted fields count where they are well formed. */
export function clientFacts(peer: PeerFacts, fields: ForwardedFields): ClientFacts {
  const { believed } = peer
  if (believed === undefined) {
    return {
      clientAddress: peer.address,
      scheme: peer.scheme,
      forwardedFor: peer.address,
      forwardedHost: fields.authority,
      forwardedPort: portOf(peer, fields.authority, peer.scheme),
    }
  }
  const said = listsOf(believed, fields, peer.rules.forwardedForField)
  const { client, chain, hops } = followForwardedFor(said.list, peer.address, peer.rules.trusted)
  const scheme = said.viewerScheme ?? schemeOf(memberAt(said.proto, hops)) ?? peer.scheme
  const host = memberAt(said.host, hops)
  const forwardedHost = isHost(host) ? host : fields.authority
  const port = believed.forwardedPort ? memberAt(fields.forwardedPort, hops) : ''
  return {
    clientAddress: said.viewer ?? client,
    scheme,
    forwardedFor: chain,
    forwardedHost,
    forwardedPort: isPort(port) ? port : portOf(peer, forwardedHost, scheme),
  }
}

/** The words of trusted fields, several fields for one thing brought into an order: what CloudFront saw counts most. */
interface Said {
  /** As X-Forwarded-For. */
  readonly list: string
  readonly proto: string | undefined
  readonly host: string | undefined
  readonly viewer: string | undefined
  readonly viewerScheme: 'http' | 'https' | undefined
}

function listsOf(
  believed: TrustedFields,
  fields: ForwardedFields,
  forwardedForField: string | undefined,
): Said {
  const said = (name: string) =>
    believed.others?.has(name) === true ? fieldValue(fields.otherForwarded, name, ', ') : undefined
  const hasOthers = believed.others !== undefined && fields.otherForwarded !== ''
  const forwarded = hasOthers ? readForwarded(said('forwarded') ?? '') : undefined
  const realIp = believed.realIp ? fields.realIp : undefined
  return {
    list:
      (forwardedForField === undefined ? '' : said(forwardedForField)) ||
      (believed.forwardedFor ? fields.forwardedFor : undefined) ||
      forwarded?.forwardedFor ||
      realIp ||
      '',
    proto:
      (believed.forwardedProto ? fields.forwardedProto : undefined) || forwarded?.forwardedProto,
    host: (believed.forwardedHost ? fields.forwardedHost : undefined) || forwarded?.forwardedHost,
    viewer: hasOthers ? parseViewerAddress(said('cloudfront-viewer-address') ?? '') : undefined,
    viewerScheme: hasOthers ? schemeOf(said('cloudfront-forwarded-proto') ?? '') : undefined,
  }
}

/**
 * Settles the facts of one request and writes the lines that tell the upstream. Fields of the client's that are not believed
 * are not among them.
 */
export function settleFacts(
  peer: PeerFacts,
  head: ForwardedFields,
  createRequestId: () => string,
): RequestFacts {
  // The usual case, an untrusted peer, parses nothing: most lines are those of the request before.
  const { believed } = peer
  if (believed === undefined) {
    const requestId = createRequestId()
    const { address: clientAddress, scheme, ready } = peer
    if (ready.authority !== head.authority) {
      ready.authority = head.authority
      ready.lines =
        factLines(clientAddress, scheme, clientAddress) +
        hostLines(head.authority, portOf(peer, head.authority, scheme))
    }
    return { clientAddress, scheme, requestId, lines: ready.lines + idLine(requestId) }
  }
  const facts = clientFacts(peer, head)
  const { clientAddress, scheme, forwardedFor, forwardedHost, forwardedPort } = facts
  const keepsId = believed.requestId && isRequestId(head.requestId)
  const requestId = keepsId ? head.requestId : createRequestId()
  const lines =
    factLines(forwardedFor, scheme, clientAddress) +
    hostLines(forwardedHost, forwardedPort) +
    idLine(requestId) +
    believedLines(believed, head.otherForwarded)
  return { clientAddress, scheme, requestId, lines }
}

function factLines(forwardedFor: string, scheme: string, client: string): string {
  return `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Real-IP: ${client}\r\n`
}

function hostLines(host: string, port: string): string {
  const hostLine = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`
  return `${hostLine}X-Forwarded-Port: ${port}\r\n`
}

function idLine(requestId: string): string {
  return `X-Request-Id: ${requestId}\r\n`
}

function believedLines({ others }: TrustedFields, lines: string): string {
  if (others === undefined || lines === '') return ''
  return keepFields(lines, others)
}

/** The port that the client asked for: that of its connection, else that of Host (RFC 9110 §7.2), else that of the scheme. */
function portOf(peer: PeerFacts, host: string, scheme: 'http' | 'https'): string {
  if (peer.port !== '') return peer.port
  // Nearly always the last char says at once that there is none.
  let colon = host.length - 1
  while (isDigit(host.charCodeAt(colon))) colon -= 1
  if (host.charCodeAt(colon) === 0x3a && isPort(host.slice(colon + 1))) return host.slice(colon + 1)
  return scheme === 'https' ? '443' : '80'
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Traefik writes ws and wss for WebSockets. */
function schemeOf(text: string): 'http' | 'https' | undefined {
  switch (text.toLowerCase()) {
    case 'http':
    case 'ws':
      return 'http'
    case 'https':
    case 'wss':
      return 'https'
    default:
      return undefined
  }
}

function isHost(text: string): boolean {
  return text.length <= 261 && /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$/.test(text)
}

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65535
}
