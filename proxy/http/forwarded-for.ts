// Who is the client behind trusted proxies? Reads X-Forwarded-For from the right, where the trusted side wrote.
// Invariant: nothing to the left of the first address that is not trusted says who the client is: anybody may have written it.
// Invariant: at most 30 members are looked at, whatever is sent.
import { isIpv4, normaliseAddress } from '../../shared/ip-address.ts'

/** Networks whose peers are believed. Addresses are normalised text. */
export interface TrustedPeers {
  has(address: string): boolean
}

/** What the chain of proxies says. */
export interface ForwardedChain {
  /** The right-most address that is not trusted, else the left-most known one. */
  readonly client: string
  /** The believed members as they were sent, and the peer: the value for the upstream. */
  readonly chain: string
  /** Trusted members to the right of the client: as many members of other lists were written by them. */
  readonly hops: number
}

/** The limit of an ALB, with the peer. */
const maxMembers = 30
/** `"[` IPv6 `]:65535"` is shorter; obfuscated names have no bound of their own. */
const maxMemberLength = 64

/** Follows `list` (all lines joined by commas) from the trusted `peer` to the client. */
export function followForwardedFor(
  list: string,
  peer: string,
  trusted: TrustedPeers,
): ForwardedChain {
  let client = peer
  let chain = peer
  let hops = 0
  let isKnown = true
  let end = list.length
  for (let members = 1; members < maxMembers && end > 0; members += 1) {
    const comma = list.lastIndexOf(',', end - 1)
    const member = list.slice(comma + 1, end).trim()
    end = comma
    if (member === '') continue
    const address = parseMember(member)
    // Behind a member that says nothing sensible, the rest has no known author.
    if (address === undefined) break
    chain = `${member}, ${chain}`
    if (!isKnown) continue
    if (address !== 'hidden') client = address
    isKnown = address !== 'hidden' && trusted.has(address)
    if (isKnown) hops += 1
  }
  return { client, chain, hops }
}

/**
 * Reads one member: `ip`, `ip:port`, `[v6]`, `[v6]:port`, any of them quoted (ALB, RFC 7239 §6); 'hidden' for `unknown`,
 * `_names` and `unix:` (nginx behind a socket); undefined when malformed.
 */
export function parseMember(member: string): string | undefined {
  if (member.length > maxMemberLength) return undefined
  const text = /^"[^"\\]*"$/.test(member) ? member.slice(1, -1) : member
  if (isIpv4(text)) return text
  if (/^(?:unknown|unix:|_[A-Za-z0-9._-]+)$/i.test(text)) return 'hidden'
  const parts = /^(?:\[([^\]]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(text)
  if (parts === null) return normaliseAddress(text)
  const [, bracketed, plain = ''] = parts
  if (bracketed === undefined) return isIpv4(plain) ? plain : undefined
  return bracketed.includes(':') ? normaliseAddress(bracketed) : undefined
}

/** Reads CloudFront-Viewer-Address: address and port, an IPv6 address with or without brackets; undefined when malformed. */
export function parseViewerAddress(value: string): string | undefined {
  const parts = /^(?:\[([^\]]+)\]|(.+)):[0-9]{1,5}$/.exec(value)
  const address = parts?.[1] ?? parts?.[2]
  return (address === undefined ? undefined : normaliseAddress(address)) ?? normaliseAddress(value)
}

/**
 * Finds the member of a list (X-Forwarded-Proto, -Host, -Port) that was written where the client came in: behind as many
 * trusted members as X-Forwarded-For has. The left-most one when there are fewer, empty when there is none.
 */
export function memberAt(list: string | undefined, hops: number): string {
  let found = ''
  let left = hops
  for (let end = list?.length ?? 0; list !== undefined && end > 0 && left >= 0; ) {
    const comma = list.lastIndexOf(',', end - 1)
    const member = list.slice(comma + 1, end).trim()
    end = comma
    if (member === '') continue
    found = member
    left -= 1
  }
  return found
}
