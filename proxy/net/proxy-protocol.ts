// Whose connection is this? Reads one PROXY protocol header, version 1 or 2 (haproxy doc/proxy-protocol.txt), from the first bytes.
// Pure and incremental: called with all bytes so far, it keeps nothing between calls.
// Invariant: exactly one header is read; what follows `length` is payload, even if it looks like another header.
// Invariant: the first bytes decide the version, nothing else is tried; 'more' only while a header may still come.

import { formatIpv6, isIpv4, normaliseAddress } from '../../shared/ip-address.ts'
import { crc32c } from './crc32c.ts'

/** One end of the connection that the sender relays: normalised address text, no brackets. */
export interface ProxyEndpoint {
  readonly address: string
  readonly port: number
}

/** A complete header of `length` bytes. Without source and destination (LOCAL, UNKNOWN, UNSPEC) the socket's own count. */
export interface ProxyHeader {
  readonly kind: 'header'
  readonly length: number
  readonly source: ProxyEndpoint | undefined
  readonly destination: ProxyEndpoint | undefined
}

/** Why the bytes are no acceptable header: the connection is closed without an answer. */
export interface ProxyHeaderError {
  readonly kind: 'error'
  readonly reason: string
}

const v2Signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const v1Keyword = Buffer.from('PROXY ', 'latin1')
/** Longest v1 line with its CRLF (spec §2.1). */
const maxV1Bytes = 107
const v2HeadBytes = 16
/** Addresses and TLVs of v2: real load balancers send below 200 bytes, the spec speaks of 536. */
const maxV2Bytes = 4096
const crc32cType = 0x03
const sslType = 0x20

/** Reads the header at the start of `bytes`; the answer depends on the bytes alone, never on how they were cut. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | 'more' | ProxyHeaderError {
  if (startsLike(bytes, v2Signature))
    return bytes.length < v2HeadBytes ? parseV2Start(bytes) : parseV2(bytes)
  if (startsLike(bytes, v1Keyword)) return bytes.length < v1Keyword.length ? 'more' : parseV1(bytes)
  return error('no PROXY signature')
}

/** Tells whether the bytes begin with a signature of either version, for listeners where the header is optional. */
export function looksLikeProxyHeader(bytes: Buffer): 'yes' | 'no' | 'more' {
  for (const signature of [v2Signature, v1Keyword]) {
    if (startsLike(bytes, signature)) return bytes.length < signature.length ? 'more' : 'yes'
  }
  return 'no'
}

function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length)
  return bytes.compare(signature, 0, length, 0, length) === 0
}

function error(reason: string): ProxyHeaderError {
  return { kind: 'error', reason }
}

function header(length: number, source?: ProxyEndpoint, destination?: ProxyEndpoint): ProxyHeader {
  return { kind: 'header', length, source, destination }
}

// Version 1: `PROXY TCP4 source destination port port CRLF`, one space between fields.

function parseV1(bytes: Buffer): ProxyHeader | 'more' | ProxyHeaderError {
  const window = bytes.toString('latin1', 0, maxV1Bytes)
  const cr = window.indexOf('\r')
  const body = cr === -1 ? window : window.slice(0, cr)
  if (/[^\x20-\x7e]/.test(body)) return error('v1 line holds a byte that is no visible ASCII')
  const reason = v1Deviation(body.split(' '), cr !== -1)
  if (reason !== undefined) return error(reason)
  if (cr === -1 || cr + 1 === window.length) {
    const room = cr === -1 ? maxV1Bytes - 2 : maxV1Bytes - 1
    return bytes.length <= room ? 'more' : error('v1 line is longer than 107 bytes')
  }
  if (window[cr + 1] !== '\n') return error('v1 line ends in a bare CR')
  const [, family, source, destination, sourcePort, destinationPort] = body.split(' ')
  if (family === 'UNKNOWN') return header(cr + 2)
  return header(cr + 2, v1Endpoint(source, sourcePort), v1Endpoint(destination, destinationPort))
}

/** Finds what is wrong in the fields so far; the last one may be unfinished unless the line is `complete`. */
function v1Deviation(fields: readonly string[], complete: boolean): string | undefined {
  const [, family = '', ...values] = fields
  if (!complete && fields.length === 2) {
    const possible = ['TCP4', 'TCP6', 'UNKNOWN'].some((name) => name.startsWith(family))
    return possible ? undefined : 'v1 family is undefined'
  }
  if (family === 'UNKNOWN') return undefined
  if (family !== 'TCP4' && family !== 'TCP6') return 'v1 family is undefined'
  if (values.length > 4 || (complete && values.length < 4)) return 'v1 line has not six fields'
  const unfinished = complete ? '' : (values.pop() ?? '')
  if (!/^[0-9A-Fa-f:.]{0,45}$/.test(unfinished)) return 'v1 address or port is invalid'
  const valid = values.every((value, at) => (at < 2 ? isAddressOf(family, value) : isPort(value)))
  return valid ? undefined : 'v1 address or port is invalid'
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65535
}

function isAddressOf(family: 'TCP4' | 'TCP6', text: string): boolean {
  return family === 'TCP4'
    ? isIpv4(text)
    : text.includes(':') && normaliseAddress(text) !== undefined
}

function v1Endpoint(address = '', port = ''): ProxyEndpoint {
  return { address: normaliseAddress(address) ?? address, port: Number(port) }
}

// Version 2: signature (12), version and command, family and protocol, length (2), addresses, TLVs.

function parseV2Start(bytes: Buffer): 'more' | ProxyHeaderError {
  const reason = v2Deviation(bytes)
  return reason === undefined ? 'more' : error(reason)
}

function parseV2(bytes: Buffer): ProxyHeader | 'more' | ProxyHeaderError {
  const reason = v2Deviation(bytes)
  if (reason !== undefined) return error(reason)
  const length = v2HeadBytes + bytes.readUInt16BE(14)
  if (length > v2HeadBytes + maxV2Bytes) {
    // Refused once it would have to be kept, not when announced: silence after it is a matter of the header timeout.
    return bytes.length < v2HeadBytes + maxV2Bytes ? 'more' : error('v2 header is too long')
  }
  if (bytes.length < length) return 'more'
  const tlvs = checkTlvs(bytes, v2HeadBytes + addressBytes(bytes), length)
  // Without addresses that count, the block is only skipped: what fails to be TLVs there is data of an unknown family.
  if (tlvs !== undefined && (namesClient(bytes) || tlvs.kind === 'checksum'))
    return error(tlvs.reason)
  if (!namesClient(bytes)) return header(length)
  if (bytes.readUInt8(13) === 0x11) {
    return header(length, ipv4Endpoint(bytes, 16, 24), ipv4Endpoint(bytes, 20, 26))
  }
  return header(length, ipv6Endpoint(bytes, 16, 48), ipv6Endpoint(bytes, 32, 50))
}

/** LOCAL: the sender speaks for itself (health checks). Of the rest only streams over IP name a client of ours. */
function namesClient(bytes: Buffer): boolean {
  const family = bytes.readUInt8(13)
  return bytes.readUInt8(12) === 0x21 && (family === 0x11 || family === 0x21)
}

/** Finds what is wrong in the fixed head, as far as it has arrived. */
function v2Deviation(bytes: Buffer): string | undefined {
  const [command, family] = [bytes[12], bytes[13]]
  if (command === undefined) return undefined
  if (command !== 0x20 && command !== 0x21) return 'v2 version or command is undefined'
  if (command === 0x20 || family === undefined) return undefined
  if (family >> 4 > 3 || (family & 15) > 2) return 'v2 family or protocol is undefined'
  if (bytes.length < v2HeadBytes) return undefined
  return bytes.readUInt16BE(14) < addressBytes(bytes)
    ? 'v2 length is too small for the addresses'
    : undefined
}

/** Size of the address block that the family asks for; unspecified ones have none. */
function addressBytes(bytes: Buffer): number {
  const family = bytes.readUInt8(13)
  return (family & 15) === 0 ? 0 : ([0, 12, 36, 216][family >> 4] ?? 0)
}

interface TlvProblem {
  readonly kind: 'form' | 'checksum'
  readonly reason: string
}

/** Walks the TLVs by their lengths and verifies CRC32C (spec §2.2.3); returns what is wrong. */
function checkTlvs(bytes: Buffer, start: number, end: number): TlvProblem | undefined {
  let checksumAt = -1
  for (let at = start; at < end; ) {
    if (at + 3 > end) return { kind: 'form', reason: 'v2 TLV is cut off' }
    const type = bytes.readUInt8(at)
    const value = at + 3
    at = value + bytes.readUInt16BE(at + 1)
    if (at > end) return { kind: 'form', reason: 'v2 TLV is longer than the header' }
    if (type === sslType && !hasWholeSubTlvs(bytes, value, at)) {
      return { kind: 'form', reason: 'v2 SSL TLV is malformed' }
    }
    if (type !== crc32cType) continue
    if (at - value !== 4) return { kind: 'form', reason: 'v2 CRC32C is not four bytes' }
    if (checksumAt !== -1) return { kind: 'form', reason: 'v2 header has two CRC32C' }
    checksumAt = value
  }
  if (checksumAt === -1) return undefined
  // The checksum covers the whole header with its own field as zeros.
  const covered = Buffer.from(bytes.subarray(0, end))
  covered.writeUInt32BE(0, checksumAt)
  if (crc32c(covered) === bytes.readUInt32BE(checksumAt)) return undefined
  return { kind: 'checksum', reason: 'v2 CRC32C is wrong' }
}

/** An SSL TLV holds a client byte, four bytes of result, and TLVs that must end where it ends. */
function hasWholeSubTlvs(bytes: Buffer, start: number, end: number): boolean {
  let at = start + 5
  while (at + 3 <= end) at += 3 + bytes.readUInt16BE(at + 1)
  return at === end
}

function ipv4Endpoint(bytes: Buffer, at: number, portAt: number): ProxyEndpoint {
  return { address: bytes.subarray(at, at + 4).join('.'), port: bytes.readUInt16BE(portAt) }
}

function ipv6Endpoint(bytes: Buffer, at: number, portAt: number): ProxyEndpoint {
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(at + 2 * group))
  return { address: formatIpv6(groups), port: bytes.readUInt16BE(portAt) }
}
