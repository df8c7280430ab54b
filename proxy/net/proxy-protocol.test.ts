import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { formatHostPort } from '../../shared/host-port.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { crc32c } from './crc32c.ts'
import { looksLikeProxyHeader, parseProxyHeader } from './proxy-protocol.ts'

interface Vector {
  readonly id: string
  readonly name: string
  readonly hex: string
  readonly payloadHex: string
  readonly expect: {
    readonly result: 'accept' | 'reject' | 'wait-then-reject'
    readonly src?: string
    readonly dst?: string
    readonly useSocketAddress?: boolean
    readonly level?: string
  }
}

const file = new URL('../../test/cases/proxy-protocol-vectors.json', import.meta.url)
// The file is our own copy of the case data; its shape is the one above.
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] }

/** Feeds `bytes` as they would arrive, cut at `cuts`, until the parser has decided. */
function feed(bytes: Buffer, cuts: Iterable<number>) {
  for (const cut of cuts) {
    const result = parseProxyHeader(bytes.subarray(0, cut))
    if (result !== 'more') return result
  }
  return parseProxyHeader(bytes)
}

function show(endpoint: { address: string; port: number } | undefined) {
  if (endpoint === undefined) return undefined
  return formatHostPort(endpoint.address, endpoint.port)
}

function* everyByte(length: number) {
  for (let cut = 1; cut <= length; cut += 1) yield cut
}

/** What the vector asks of the pure parser: 'more' where only the reader of the socket can end the waiting. */
function decision({ name, expect }: Vector) {
  if (expect.level === 'choice') return 'error'
  if (expect.result === 'wait-then-reject' || name.includes('then FIN')) return 'more'
  return expect.result === 'reject' ? 'error' : 'header'
}

// Where a vector carries a second header, only the first one is consumed.
const firstOfTwo: Readonly<Record<string, number>> = { 'PP1-55': 44, 'PP2-69': 28 }

for (const vector of vectors) {
  const { id, name, hex, payloadHex, expect } = vector
  t.test(`${id} ${name}`, async (t) => {
    const head = Buffer.from(hex, 'hex')
    const bytes = Buffer.concat([head, Buffer.from(payloadHex, 'hex')])
    const segmentations: Iterable<number>[] = [[], [head.length], everyByte(bytes.length)]
    if (head.length < 500) for (const cut of everyByte(head.length)) segmentations.push([cut])
    const mapped = expect.src?.replace(/^\[::ffff:([0-9.]+)\]/, '$1')
    for (const cuts of segmentations) {
      const result = feed(bytes, cuts)
      const kind = result === 'more' ? 'more' : result.kind
      t.equal(kind, decision(vector), JSON.stringify(result))
      if (result === 'more' || result.kind === 'error') continue
      t.equal(show(result.source), expect.useSocketAddress ? undefined : mapped)
      t.equal(show(result.destination), expect.useSocketAddress ? undefined : expect.dst)
      t.equal(result.length, firstOfTwo[id] ?? head.length)
    }
  })
}

const v2 = (command: number, family: number, body: Buffer) => {
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex')
  head.writeUInt8(command, 12)
  head.writeUInt8(family, 13)
  head.writeUInt16BE(body.length, 14)
  return Buffer.concat([head, body])
}
const tcp4 = Buffer.from('cb0071070a0000059c41270f', 'hex')
const wrongCrc = Buffer.from('03000412345678', 'hex')
const huge = Buffer.concat([tcp4, Buffer.from([4, 0x20, 0]), Buffer.alloc(0x2000)])

const edges = [
  { bytes: Buffer.alloc(0), kind: 'more', why: 'nothing has arrived' },
  { bytes: Buffer.from('GET / HTTP/1.1\r\n'), kind: 'error', why: 'HTTP where a header is due' },
  { bytes: Buffer.from('PROXY TCP9'), kind: 'error', why: 'a wrong family shows at once' },
  { bytes: Buffer.from('PROXY TCP4 1.2.3.x'), kind: 'error', why: 'a wrong byte shows at once' },
  { bytes: Buffer.from('PROXY TCP4 1.2.3.4 '), kind: 'more', why: 'half a line' },
  { bytes: Buffer.from('PROXY TCP4 1.2.3 '), kind: 'error', why: 'a finished field is judged' },
  {
    bytes: Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'),
    kind: 'error',
    why: 'port > 65535',
  },
  {
    bytes: Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n'),
    kind: 'header',
    why: 'port 0 is a number',
  },
  {
    bytes: Buffer.from('PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'),
    kind: 'error',
    why: 'IPv4 under TCP6',
  },
  {
    bytes: Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n'),
    kind: 'error',
    why: 'trailing space',
  },
  { bytes: Buffer.from('PROXY UNKNOWN \u00e9\r\n', 'latin1'), kind: 'error', why: 'not ASCII' },
  { bytes: Buffer.from(`PROXY UNKNOWN ${'a'.repeat(91)}`), kind: 'more', why: 'room for CRLF' },
  { bytes: Buffer.from(`PROXY UNKNOWN ${'a'.repeat(92)}`), kind: 'error', why: 'no room for CRLF' },
  { bytes: Buffer.from(`PROXY UNKNOWN ${'a'.repeat(91)}\r`), kind: 'more', why: 'room for LF' },
  { bytes: v2(0x20, 0, wrongCrc), kind: 'error', why: 'a LOCAL header is verified, too' },
  { bytes: v2(0x20, 0xf1, tcp4), kind: 'header', why: 'LOCAL: the family is ignored' },
  { bytes: v2(0x21, 0, wrongCrc), kind: 'error', why: 'so is an UNSPEC one' },
  { bytes: v2(0x21, 0x11, Buffer.concat([tcp4, wrongCrc])), kind: 'error', why: 'wrong CRC32C' },
  { bytes: v2(0x21, 0x11, huge).subarray(0, 4000), kind: 'more', why: 'within the bound' },
  { bytes: v2(0x21, 0x11, huge).subarray(0, 4112), kind: 'error', why: 'nothing more is kept' },
] as const

for (const { bytes, kind, why } of edges) {
  t.test(`${JSON.stringify(bytes.toString('latin1', 0, 40))} is ${kind}: ${why}`, async (t) => {
    const result = parseProxyHeader(bytes)
    t.equal(result === 'more' ? 'more' : result.kind, kind)
  })
}

const looks = [
  { text: '', is: 'more', why: 'nothing has arrived' },
  { text: 'P', is: 'more', why: 'POST or PROXY' },
  { text: 'PO', is: 'no', why: 'POST' },
  { text: 'PROXY', is: 'more', why: 'could still be another method' },
  { text: 'PROXY ', is: 'yes', why: 'version 1' },
  { text: 'PROXYX', is: 'no', why: 'another method' },
  { text: '\r\n', is: 'more', why: 'an empty line before a request, or version 2' },
  { text: '\r\nG', is: 'no', why: 'an empty line before a request (RFC 9112 §2.2)' },
  { text: '\r\n\r\n\0\r\nQUIT\n!', is: 'yes', why: 'version 2' },
  { text: '\r\n\r\n\0\r\nQUIT\r', is: 'no', why: 'the last byte of the signature differs' },
] as const

for (const { text, is, why } of looks) {
  t.test(`${JSON.stringify(text)} looks like a header: ${is}: ${why}`, async (t) => {
    t.equal(looksLikeProxyHeader(Buffer.from(text, 'latin1')), is)
  })
}

t.test('CRC32C gives the check value of RFC 3720', async (t) => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
})

t.test('no bytes make it throw, and the way they are cut changes nothing', async (t) => {
  const valid = vectors.filter(({ hex }) => hex.length < 1000)
  const mutated = fc
    .tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255), fc.boolean(), fc.uint8Array())
    .map(([{ hex, payloadHex }, at, byte, change, tail]) => {
      const bytes = Buffer.concat([Buffer.from(hex + payloadHex, 'hex'), tail])
      if (change && bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    })
  const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  assertProperty(
    t,
    fc.property(fc.oneof(mutated, random), fc.array(fc.nat(300)), (bytes, cuts) => {
      const whole = parseProxyHeader(bytes)
      const pieces = feed(
        bytes,
        cuts.sort((a, b) => a - b),
      )
      // Reasons may differ (more bytes can show another fault first); decisions may not.
      if (
        whole === 'more' ||
        pieces === 'more' ||
        whole.kind === 'error' ||
        pieces.kind === 'error'
      )
        return (
          (whole === 'more' ? whole : whole.kind) === (pieces === 'more' ? pieces : pieces.kind)
        )
      return JSON.stringify(whole) === JSON.stringify(pieces)
    }),
    { numRuns: 2000 },
  )
  t.pass()
})
