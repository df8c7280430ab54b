// Which hosts does a client name, and in which form are they compared? (RFC 3986 §3.2.2, RFC 9110 §7.2)
import { isIPv6 } from 'node:net'

// Plain lower-case names are nearly all there is: one test, and the value is used as it came.
const plainHost = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/
const anyHost = /^((?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+)\.?(?::(\d{0,5}))?$/
const ipLiteral = /^\[([0-9A-Fa-f:.]+)\](?::(\d{0,5}))?$/

/**
 * Normalises a Host value for matching: lower case, without port and one trailing dot.
 * Returns undefined when it is not a host (answered 400).
 */
export function normaliseHost(value: string): string | undefined {
  if (value.length > 261) return undefined
  if (plainHost.test(value)) return value
  const match = anyHost.exec(value)
  if (match !== null) return isPort(match[2]) ? match[1]?.toLowerCase() : undefined
  const literal = ipLiteral.exec(value)
  if (literal === null || !isPort(literal[2])) return undefined
  const address = literal[1] ?? ''
  return isIPv6(address) ? `[${address.toLowerCase()}]` : undefined
}

/** Tells whether two valid Host values name the same host and port; port 80 is the one that goes without saying. */
export function isSameAuthority(a: string, b: string): boolean {
  return normaliseHost(a) === normaliseHost(b) && portOf(a) === portOf(b)
}

function portOf(value: string): string {
  const digits = /:(\d*)$/.exec(value)?.[1] ?? ''
  return digits === '' ? '80' : String(Number(digits))
}

function isPort(digits: string | undefined): boolean {
  return digits === undefined || digits === '' || Number(digits) <= 65535
}
