// How is an endpoint told who is behind a tunnel? Writes a header of the PROXY protocol (haproxy doc/proxy-protocol.txt).
import { isIPv4 } from 'node:net'
import type { ProxyEndpoint } from './proxy-protocol.ts'

const v2Signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const streamOverIpv4 = 0x11
const streamOverIpv6 = 0x21
const proxyCommand = 0x21

/** The header of a connection from `source` to `destination`. Two families in one header do not exist: both become IPv6. */
export function writeProxyHeader(
  version: 'v1' | 'v2',
  source: ProxyEndpoint,
  destination: ProxyEndpoint,
): Buffer {
  const isV4 = isIPv4(source.address) && isIPv4(destination.address)
  const ends = isV4 ? [source, destination] : [mapped(source), mapped(destination)]
  const addresses = ends.map(({ address }) => address)
  const ports = ends.map(({ port }) => port)
  if (version === 'v1') {
    const words = ['PROXY', isV4 ? 'TCP4' : 'TCP6', ...addresses, ...ports]
    return Buffer.from(`${words.join(' ')}\r\n`, 'latin1')
  }
  const block = Buffer.concat([
    ...addresses.map((address) => (isV4 ? ipv4Bytes(address) : ipv6Bytes(address))),
    ...ports.map(uint16),
  ])
  const family = isV4 ? streamOverIpv4 : streamOverIpv6
  return Buffer.concat([
    v2Signature,
    Buffer.from([proxyCommand, family]),
    uint16(block.length),
    block,
  ])
}

function mapped({ address, port }: ProxyEndpoint): ProxyEndpoint {
  return { address: isIPv4(address) ? `::ffff:${address}` : address, port }
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255])
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

/** Bytes of an IPv6 address as Node writes it, perhaps with a zone or an IPv4 address at its end. */
function ipv6Bytes(address: string): Buffer {
  const [text = ''] = address.split('%')
  const [head = '', tail] = text.split('::')
  const front = groupBytes(head)
  const back = groupBytes(tail ?? '')
  return Buffer.concat([front, Buffer.alloc(16 - front.length - back.length), back])
}

function groupBytes(text: string): Buffer {
  const groups = text === '' ? [] : text.split(':')
  return Buffer.concat(
    groups.map((group) =>
      group.includes('.') ? ipv4Bytes(group) : uint16(Number.parseInt(group, 16)),
    ),
  )
}
