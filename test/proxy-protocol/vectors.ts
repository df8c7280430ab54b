// The PROXY protocol cases as data: which bytes open a connection, how they are cut, and what follows from them.
import { readFileSync } from 'node:fs'

/** One vector. Hex text holds the header and what a client may have put behind it; `payloadHex` the request. */
export interface Vector {
  readonly id: string
  readonly version: number
  readonly name: string
  readonly hex: string
  readonly payloadHex: string
  readonly expect: {
    readonly result: 'accept' | 'reject' | 'wait-then-reject'
    /** `address:port`, IPv6 in brackets. */
    readonly src?: string
    readonly dst?: string
    /** The header names nobody: the socket's peer is the client. */
    readonly useSocketAddress?: boolean
    /** may, should, choice: the other way is right, too. */
    readonly level?: string
  }
}

/** Reads all vectors. */
export function readVectors(): readonly Vector[] {
  const url = new URL('../cases/proxy-protocol-vectors.json', import.meta.url)
  const file: { readonly vectors: readonly Vector[] } = JSON.parse(readFileSync(url, 'utf8'))
  return file.vectors
}

/** One way to cut the bytes of a vector, in the packets that are sent. */
export interface Segmentation {
  readonly name: string
  readonly cuts: (header: Buffer, payload: Buffer) => readonly (readonly Buffer[])[]
}

// Past this the offsets of one flood of 64 KiB are sampled: each is a connection.
const everyOffsetUpTo = 300
const sampleStep = 4999

/** The four segmentations; the last one plays a connection per offset. */
export const segmentations: readonly Segmentation[] = [
  { name: 'all in one write', cuts: (header, payload) => [[Buffer.concat([header, payload])]] },
  {
    name: 'header and payload in two writes',
    cuts: (header, payload) => [[header, payload].filter((part) => part.length > 0)],
  },
  {
    name: 'one byte per write',
    cuts: (header, payload) => [
      Array.from(Buffer.concat([header, payload]), (byte) => Buffer.of(byte)),
    ],
  },
  {
    name: 'split at every offset',
    cuts(header, payload) {
      const whole = Buffer.concat([header, payload])
      const offsets = []
      for (let at = 1; at <= header.length; at += at < everyOffsetUpTo ? 1 : sampleStep) {
        offsets.push(at)
      }
      return offsets.map((at) => [whole.subarray(0, at), whole.subarray(at)])
    },
  },
]

/** True when something that is no HTTP follows an accepted header: a second one, which the client itself sent. */
export function hasSecondHeader({ hex, version, expect }: Vector): boolean {
  if (expect.result !== 'accept' || hex === '') return false
  const bytes = Buffer.from(hex, 'hex')
  const length = version === 1 ? bytes.indexOf('\r\n') + 2 : 16 + bytes.readUInt16BE(14)
  return bytes.length > length
}

/** The address of `address:port`, IPv4-mapped ones as IPv4. */
export function addressOf(text: string): string {
  const address = text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

/** The port of `address:port`. */
export function portOf(text: string): string {
  return text.slice(text.lastIndexOf(':') + 1)
}

/** A v2 header from a TCP4 `source`, as hex text would have it. */
export function v2Tcp4(source: string, sourcePort: number, destinationPort: number): Buffer {
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1')
  const addresses = Buffer.from([...source.split('.').map(Number), 10, 0, 0, 5])
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(sourcePort, 0)
  ports.writeUInt16BE(destinationPort, 2)
  return Buffer.concat([head, addresses, ports])
}

/** A v2 header of a load balancer that speaks for itself. */
export const v2Local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')
