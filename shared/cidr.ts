// Is this address in that list? CIDR lists for access policies, trusted proxies and PROXY protocol peers.
//
// Invariant: an IPv4-mapped IPv6 address or network means its IPv4 one; other networks cover their own family only,
// so `::/0` is "all of IPv6" and never lets IPv4 in.
// Invariant: text that is not an address is in no list.
import { BlockList, isIP, isIPv6 } from 'node:net'

/** A network: `address` as written (bits below the prefix are ignored), `prefix` in bits. */
export interface Cidr {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  readonly prefix: number
}

/** Either a network or the reason, as the end of a sentence, why the text is none. */
export type CidrResult =
  | { readonly ok: true; readonly cidr: Cidr }
  | { readonly ok: false; readonly reason: string }

/** A compiled list of networks. */
export interface CidrSet {
  /** Says whether the address (IPv4 or IPv6 text, without port) is in one of the networks. */
  has(address: string): boolean
  readonly size: number
}

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

/** Parses `10.0.0.0/8`, `2001:db8::/32` or a single address. */
export function parseCidr(text: string): CidrResult {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const family = isIP(address)
  // A zone (`fe80::1%eth0`) names an interface of one host: meaningless in a list for many.
  if (family === 0 || address.includes('%')) {
    return { ok: false, reason: `'${text}' is not an IP address or CIDR` }
  }
  const bits = family === 4 ? 32 : 128
  const digits = slash === -1 ? String(bits) : text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > bits) {
    return { ok: false, reason: `'${text}' needs a prefix length of 0 to ${bits}` }
  }
  return {
    ok: true,
    cidr: { family: family === 4 ? 'ipv4' : 'ipv6', address, prefix: Number(digits) },
  }
}

/** An IPv4 network in bits: an allow list is asked for every request, and a BlockList makes an object for each answer. */
interface Ipv4Network {
  readonly mask: number
  readonly base: number
}

function networkOf(address: string, prefix: number): Ipv4Network {
  const mask = prefix === 0 ? 0 : -1 << (32 - prefix)
  return { mask, base: (ipv4Bits(address) ?? 0) & mask }
}

/** Reads `a.b.c.d`, decimal and without leading zeros, as a signed 32-bit number; undefined when it is not that. */
function ipv4Bits(text: string): number | undefined {
  let bits = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit >= 0 && digit <= 9) {
      if (octet === 0) return undefined
      octet = octet === -1 ? digit : octet * 10 + digit
      if (octet > 255) return undefined
    } else if (digit === dot && octet !== -1) {
      bits = (bits << 8) | octet
      octet = -1
      dots += 1
    } else return undefined
  }
  return dots === 3 && octet !== -1 ? (bits << 8) | octet : undefined
}

const dot = 0x2e - 0x30

/**
 * Compiles a list of networks. The list must have been read by parseCidr before:
 * throws a RangeError on text that is no CIDR, because a list that lost an entry would decide wrongly.
 */
export function createCidrSet(cidrs: readonly string[]): CidrSet {
  const v4 = new BlockList()
  const v6 = new BlockList()
  const networks: Ipv4Network[] = []
  let hasMapped = false
  for (const text of cidrs) {
    const result = parseCidr(text)
    if (!result.ok) throw new RangeError(result.reason)
    const { family, address, prefix } = result.cidr
    // A mapped network goes to the IPv4 list too: node:net compares it with IPv4 addresses bit by bit.
    const isMapped = family === 'ipv6' && prefix >= 96 && mapped.check(address, 'ipv6')
    const list = family === 'ipv4' || isMapped ? v4 : v6
    list.addSubnet(address, prefix, family)
    if (isMapped) hasMapped = true
    else if (family === 'ipv4') networks.push(networkOf(address, prefix))
  }
  return {
    size: cidrs.length,
    has: (address) => {
      const bits = ipv4Bits(address)
      if (bits !== undefined) {
        for (const { mask, base } of networks) if ((bits & mask) === base) return true
        return hasMapped && v4.check(address, 'ipv4')
      }
      if (!isIPv6(address)) return false
      return mapped.check(address, 'ipv6') ? v4.check(address, 'ipv6') : v6.check(address, 'ipv6')
    },
  }
}
