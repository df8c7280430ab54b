// Which host does a TLS client ask for? Reads the ClientHello at the start of a connection (RFC 8446 §4.1.2) without speaking TLS.
//
// Invariant: the outcome depends on the bytes alone, never on how they were cut; each byte is looked at once.
// Invariant: nothing is decided about what cannot be read: who terminates TLS answers it with the alert that belongs to it.

/** What a ClientHello says. */
export interface ClientHello {
  readonly kind: 'hello'
  /** Lower case, without a trailing dot; of a client with ECH (RFC 9849) the name outside. Undefined: it names no host. */
  readonly serverName: string | undefined
}

/**
 * Why there is no ClientHello. `not-tls`: the first bytes are those of another protocol. `malformed`: it is TLS, but not as RFC 8446
 * and RFC 6066 write a ClientHello. `too-large`: it is longer than anybody's.
 */
export interface NoClientHello {
  readonly kind: 'none'
  readonly reason: 'not-tls' | 'malformed' | 'too-large'
}

/** 'more': it is not all there yet. */
export type HelloReading = ClientHello | NoClientHello | 'more'

/** Of a ClientHello with its records. With keys of post-quantum groups they have about 2 KiB. */
export const maxHelloBytes = 32_768

const recordHeadBytes = 5
const handshakeRecord = 22
const maxRecordBytes = 16_384
const messageHeadBytes = 4
const clientHelloType = 1
const serverNameExtension = 0
const hostNameType = 0
const maxNameBytes = 255
// A browser's ClientHello fits in.
const firstBytes = 2048

/** Reads one connection's first bytes as they come, and keeps them for who serves it. */
export class ClientHelloReader {
  #memory = Buffer.allocUnsafe(firstBytes)
  #length = 0
  /** The record that is being read, or the next. */
  #recordAt = 0
  /** What is known of the message: parts of records, one after the other. */
  #parts: { readonly from: number; readonly to: number }[] = []
  #partBytes = 0

  /** All bytes so far, in memory of their own. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  /** Takes what came next; nothing is to follow an outcome. */
  push(bytes: Buffer): HelloReading {
    this.#keep(bytes)
    while (this.#length > this.#recordAt) {
      const record = readRecordHead(this.bytes, this.#recordAt)
      if (typeof record !== 'number') return record
      const outcome = this.#takePart(record)
      if (outcome !== 'more') return outcome
      const end = this.#recordAt + recordHeadBytes + record
      if (end > this.#length) return 'more'
      this.#recordAt = end
    }
    return 'more'
  }

  #keep(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#memory.length))
      this.#memory.copy(larger, 0, 0, this.#length)
      this.#memory = larger
    }
    bytes.copy(this.#memory, this.#length)
    this.#length = length
  }

  /** Adds what is there of the record at hand, whose content is `size` bytes, to the message. */
  #takePart(size: number): HelloReading {
    const start = this.#recordAt + recordHeadBytes
    const to = Math.min(start + size, this.#length)
    const last = this.#parts.at(-1)
    const isSame = last !== undefined && last.from >= start
    const from = isSame ? last.from : start
    if (to <= from) return 'more'
    if (isSame) this.#partBytes -= last.to - last.from
    this.#partBytes += to - from
    if (isSame) this.#parts[this.#parts.length - 1] = { from, to }
    else this.#parts.push({ from, to })
    return this.#judge()
  }

  #judge(): HelloReading {
    if (this.#partBytes < messageHeadBytes) {
      return this.#message()[0] === clientHelloType ? 'more' : none('malformed')
    }
    const head = this.#head()
    if (head.readUInt8(0) !== clientHelloType) return none('malformed')
    const end = messageHeadBytes + head.readUIntBE(1, 3)
    if (end > maxHelloBytes) return none('too-large')
    if (this.#partBytes < end) return 'more'
    return readMessage(this.#message().subarray(messageHeadBytes, end))
  }

  /** The first bytes of the message, without a copy where one record has them. */
  #head(): Buffer {
    const [first] = this.#parts
    return first !== undefined && first.to - first.from >= messageHeadBytes
      ? this.#memory.subarray(first.from, first.to)
      : Buffer.concat(this.#parts.slice(0, messageHeadBytes).map((part) => this.#bytesOf(part)))
  }

  #message(): Buffer {
    const [first, ...rest] = this.#parts.map((part) => this.#bytesOf(part))
    if (first === undefined) return Buffer.alloc(0)
    return rest.length === 0 ? first : Buffer.concat([first, ...rest])
  }

  #bytesOf({ from, to }: { readonly from: number; readonly to: number }): Buffer {
    return this.#memory.subarray(from, to)
  }
}

function none(reason: NoClientHello['reason']): NoClientHello {
  return { kind: 'none', reason }
}

/** The length of the content of the record at `at` (RFC 8446 §5.1), judged byte by byte. */
function readRecordHead(bytes: Buffer, at: number): number | NoClientHello | 'more' {
  // Behind the first record it is known to be TLS.
  const other = none(at === 0 ? 'not-tls' : 'malformed')
  if (bytes[at] !== handshakeRecord) return other
  // The version is frozen: 3.1 or 3.3, to be ignored but for its first byte, which every version has.
  if (at + 1 < bytes.length && bytes[at + 1] !== 3) return other
  if (at + recordHeadBytes > bytes.length) return 'more'
  const size = bytes.readUInt16BE(at + 3)
  if (size === 0 || size > maxRecordBytes) return none('malformed')
  return at + recordHeadBytes + size > maxHelloBytes ? none('too-large') : size
}

/** Walks a message by its lengths; a length that does not fit ends it. */
class Walk {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next `size` bytes; undefined: there are not so many. */
  take(size: number): Buffer | undefined {
    if (this.#at + size > this.#bytes.length) return undefined
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  number(size: 1 | 2): number | undefined {
    return this.take(size)?.readUIntBE(0, size)
  }

  /** What stands behind its length, which is a number of `size` bytes. */
  vector(size: 1 | 2): Buffer | undefined {
    const length = this.number(size)
    return length === undefined ? undefined : this.take(length)
  }
}

function readMessage(message: Buffer): ClientHello | NoClientHello {
  const walk = new Walk(message)
  // Version and random.
  if (walk.take(34) === undefined) return none('malformed')
  const session = walk.vector(1)
  const suites = walk.vector(2)
  const compressions = walk.vector(1)
  if (session === undefined || session.length > 32) return none('malformed')
  if (suites === undefined || suites.length < 2 || suites.length % 2 !== 0) return none('malformed')
  if (compressions === undefined || compressions.length === 0) return none('malformed')
  // Before TLS 1.3 a ClientHello may end here.
  if (walk.isOver) return { kind: 'hello', serverName: undefined }
  const extensions = walk.vector(2)
  if (extensions === undefined || !walk.isOver) return none('malformed')
  return readExtensions(extensions)
}

/** Types that nobody knows, GREASE (RFC 8701) among them, are passed over. */
function readExtensions(extensions: Buffer): ClientHello | NoClientHello {
  const walk = new Walk(extensions)
  let list: Buffer | undefined
  while (!walk.isOver) {
    const type = walk.number(2)
    const content = walk.vector(2)
    if (type === undefined || content === undefined) return none('malformed')
    if (type !== serverNameExtension) continue
    // RFC 8446 §4.2: no extension comes twice.
    if (list !== undefined) return none('malformed')
    list = content
  }
  if (list === undefined) return { kind: 'hello', serverName: undefined }
  const serverName = readServerName(list)
  return serverName === undefined ? none('malformed') : { kind: 'hello', serverName }
}

/** RFC 6066 §3: one list of one name, of the only type that there is. */
function readServerName(extension: Buffer): string | undefined {
  const outer = new Walk(extension)
  const list = outer.vector(2)
  if (list === undefined || !outer.isOver) return undefined
  const walk = new Walk(list)
  const type = walk.number(1)
  const name = walk.vector(2)
  if (type !== hostNameType || name === undefined || !walk.isOver) return undefined
  const text = name.toString('latin1').toLowerCase()
  const isName = name.length <= maxNameBytes && /^[!-~]+$/.test(text)
  return isName ? text.replace(/(?<=.)\.$/, '') : undefined
}
