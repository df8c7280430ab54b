// What do frames of HTTP/2 look like on the wire? Written and read for tests by hand (RFC 9113 §4, RFC 7541), so that they can say
// what no library would send.

export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** One frame as it came. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Writes one frame. */
export function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer | string = '',
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = kind
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** Writes a number of four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** Writes one setting (RFC 9113 §6.5.1). */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value >>> 0, 2)
  return bytes
}

/** Writes an integer with a prefix of seven bits (RFC 7541 §5.1), of which the first one is 0. */
function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** Writes a field section by literals alone, without index and without Huffman (RFC 7541 §6.2.2): names and values as they are. */
export function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) {
    const bytes = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')]
    parts.push(Buffer.from([0]))
    for (const each of bytes) parts.push(length(each.length), each)
  }
  return Buffer.concat(parts)
}

/** Takes whole frames off the front of `bytes`; returns them and what is left. */
export function readFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = []
  let at = 0
  while (at + 9 <= bytes.length) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) break
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
      payload: Buffer.from(bytes.subarray(at + 9, end)),
    })
    at = end
  }
  return { frames, rest: bytes.subarray(at) }
}

/** The status in a field section, where it comes first as it must: indexed, or a literal without Huffman or with it. */
export function statusOf(payload: Buffer): number {
  const first = payload.readUInt8(0)
  const indexed: Readonly<Record<number, number>> = {
    136: 200,
    137: 204,
    138: 206,
    139: 304,
    140: 400,
    141: 404,
    142: 500,
  }
  const known = indexed[first]
  if (known !== undefined) return known
  const said = payload.readUInt8(1)
  const bytes = payload.subarray(2, 2 + (said & 0x7f))
  return Number((said & 0x80) === 0 ? bytes.toString('latin1') : digitsOf(bytes))
}

/** Digits in the Huffman code of RFC 7541 Appendix B: 0 to 2 have five bits, the others six. */
function digitsOf(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3 && at < bits.length; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2)
    const isShort = five <= 2
    digits += isShort ? five : Number.parseInt(bits.slice(at, at + 6), 2) - 0x19 + 3
    at += isShort ? 5 : 6
  }
  return digits
}
