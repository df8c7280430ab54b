// What is read of a ClientHello, against an oracle that knows nothing of pieces, and with what real clients send.
import { connect, createServer } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { ClientHelloReader, type HelloReading, maxHelloBytes } from './client-hello.ts'

const u8 = (value: number) => Buffer.from([value])
const u16 = (value: number) => Buffer.from([value >> 8, value & 255])
const u24 = (value: number) => Buffer.from([value >> 16, (value >> 8) & 255, value & 255])
const vector8 = (content: Buffer) => Buffer.concat([u8(content.length), content])
const vector16 = (content: Buffer) => Buffer.concat([u16(content.length), content])

interface Shape {
  readonly session?: Buffer
  readonly suites?: Buffer
  readonly compressions?: Buffer
  /** Null: there is no list of extensions. */
  readonly extensions?: readonly Buffer[] | null
  readonly behind?: Buffer
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([u16(type), vector16(content)])
}

function nameList(...names: readonly [type: number, name: string][]): Buffer {
  return vector16(
    Buffer.concat(
      names.map(([type, name]) => Buffer.concat([u8(type), vector16(Buffer.from(name, 'latin1'))])),
    ),
  )
}

const serverName = (name: string) => extension(0, nameList([0, name]))

function message(shape: Shape): Buffer {
  const { extensions = [] } = shape
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    vector8(shape.session ?? Buffer.alloc(32, 1)),
    vector16(shape.suites ?? Buffer.from('1301', 'hex')),
    vector8(shape.compressions ?? Buffer.from([0])),
    extensions === null ? Buffer.alloc(0) : vector16(Buffer.concat(extensions)),
    shape.behind ?? Buffer.alloc(0),
  ])
  return Buffer.concat([u8(1), u24(body.length), body])
}

function record(content: Buffer, type = 22, version = 0x0301): Buffer {
  return Buffer.concat([u8(type), u16(version), vector16(content)])
}

/** Cuts a message into records of at most `size` bytes. */
function records(content: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < content.length; at += size) {
    parts.push(record(content.subarray(at, at + size)))
  }
  return Buffer.concat(parts)
}

function readAll(bytes: Buffer): HelloReading {
  return new ClientHelloReader().push(bytes)
}

function readInPieces(bytes: Buffer, sizes: Iterable<number>): HelloReading {
  const reader = new ClientHelloReader()
  let at = 0
  for (const size of sizes) {
    if (at >= bytes.length) break
    const reading = reader.push(bytes.subarray(at, at + size))
    if (reading !== 'more') return reading
    at += size
  }
  return at >= bytes.length ? 'more' : reader.push(bytes.subarray(at))
}

function* always(size: number): Generator<number> {
  for (;;) yield size
}

// ── the oracle: the first prefix that says something decides ───────────────────────────────────

function oracle(bytes: Buffer): HelloReading {
  for (let length = 0; length <= bytes.length; length += 1) {
    const reading = oracleOfPrefix([...bytes.subarray(0, length)])
    if (reading !== 'more') return reading
  }
  return 'more'
}

class Short extends Error {}

const refuse = (reason: 'not-tls' | 'malformed' | 'too-large'): HelloReading => ({
  kind: 'none',
  reason,
})

/** What all records together carry, or why they are none. */
function oracleOfPrefix(bytes: number[]): HelloReading {
  let content: number[] = []
  let at = 0
  while (at < bytes.length) {
    const [type, major = 3, , high, low] = bytes.slice(at)
    if (type !== 22 || major !== 3) return refuse(at === 0 ? 'not-tls' : 'malformed')
    if (high === undefined || low === undefined) break
    const end = at + 5 + high * 256 + low
    if (end === at + 5 || end > at + 5 + 16_384) return refuse('malformed')
    if (end > maxHelloBytes) return refuse('too-large')
    content = [...content, ...bytes.slice(at + 5, end)]
    at = end
  }
  return oracleOfContent(content)
}

function oracleOfContent(content: number[]): HelloReading {
  const [type = 1, a, b, c] = content
  if (type !== 1) return refuse('malformed')
  if (a === undefined || b === undefined || c === undefined) return 'more'
  const size = a * 65_536 + b * 256 + c
  if (4 + size > maxHelloBytes) return refuse('too-large')
  if (content.length < 4 + size) return 'more'
  try {
    return { kind: 'hello', serverName: oracleOfBody(content.slice(4, 4 + size)) }
  } catch (error) {
    if (error instanceof Short) return refuse('malformed')
    throw error
  }
}

function oracleOfBody(body: number[]): string | undefined {
  let left = body
  const check = (isFine: boolean) => {
    if (!isFine) throw new Short()
  }
  const take = (count: number) => {
    check(left.length >= count)
    const taken = left.slice(0, count)
    left = left.slice(count)
    return taken
  }
  const count = (size: number) => take(size).reduce((sum, byte) => sum * 256 + byte, 0)
  take(34)
  check(take(count(1)).length <= 32)
  const suites = take(count(2)).length
  check(suites > 0 && suites % 2 === 0)
  check(take(count(1)).length > 0)
  if (left.length === 0) return undefined
  check(count(2) === left.length)
  const found: number[][] = []
  while (left.length > 0) {
    const type = count(2)
    const content = take(count(2))
    if (type === 0) found.push(content)
  }
  check(found.length < 2)
  const [list] = found
  if (list === undefined) return undefined
  left = list
  check(count(2) === left.length)
  check(count(1) === 0)
  const name = take(count(2))
  check(left.length === 0 && name.length > 0 && name.length < 256)
  check(name.every((byte) => byte > 32 && byte < 127))
  const text = String.fromCharCode(...name).toLowerCase()
  return text.length > 1 && text.endsWith('.') ? text.slice(0, -1) : text
}

// ── tables ─────────────────────────────────────────────────────────────────────────────────────

const grease = [extension(0x0a0a, Buffer.alloc(0)), extension(0xdada, Buffer.from([0]))]

const hellos: readonly (readonly [why: string, shape: Shape, name: string | undefined])[] = [
  ['a name', { extensions: [serverName('a.test')] }, 'a.test'],
  ['names are compared in lower case', { extensions: [serverName('A.Test')] }, 'a.test'],
  ['one trailing dot is none of the name', { extensions: [serverName('a.test.')] }, 'a.test'],
  ['no list of extensions, as before TLS 1.3', { extensions: null }, undefined],
  ['an empty list', { extensions: [] }, undefined],
  ['no name among others', { extensions: [extension(16, Buffer.alloc(5))] }, undefined],
  [
    'GREASE before and behind the name (RFC 8701)',
    {
      suites: Buffer.from('6a6a1301', 'hex'),
      extensions: [...grease, serverName('a.test'), ...grease],
    },
    'a.test',
  ],
  [
    'with ECH the name outside counts (RFC 9849)',
    { extensions: [extension(0xfe0d, Buffer.alloc(300, 1)), serverName('public.test')] },
    'public.test',
  ],
  ['no session', { session: Buffer.alloc(0), extensions: [serverName('a.test')] }, 'a.test'],
  [
    'a pre-shared key comes last, and is long',
    { extensions: [serverName('a.test'), extension(41, Buffer.alloc(4000))] },
    'a.test',
  ],
  [
    'an address is a name like others: nobody has it',
    { extensions: [serverName('10.0.0.1')] },
    '10.0.0.1',
  ],
]

t.test('a ClientHello says which host is asked for', async (t) => {
  for (const [why, shape, name] of hellos) {
    const wanted = { kind: 'hello', serverName: name }
    const whole = message(shape)
    t.same(readAll(record(whole)), wanted, why)
    t.same(readInPieces(record(whole), always(1)), wanted, `${why}; byte by byte`)
    t.same(readAll(records(whole, 1)), wanted, `${why}; a record for each byte`)
    t.same(
      readInPieces(records(whole, 7), always(3)),
      wanted,
      `${why}; records of 7 in pieces of 3`,
    )
    const more = Buffer.concat([record(whole), record(Buffer.alloc(9), 23)])
    t.same(readAll(more), wanted, `${why}; something follows`)
    t.equal(readAll(record(whole).subarray(0, -1)), 'more', `${why}; one byte is missing`)
  }
})

const a = serverName('a.test')

const broken: readonly (readonly [why: string, bytes: Buffer, reason: string])[] = [
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not-tls'],
  ['a PROXY header', Buffer.from('PROXY TCP4 '), 'not-tls'],
  ['SSL 2', Buffer.from('802e0103010015', 'hex'), 'not-tls'],
  ['an alert comes first', record(Buffer.from([1, 0]), 21), 'not-tls'],
  ['a version of nobody', record(message({}), 22, 0x0201), 'not-tls'],
  [
    'another handshake message',
    record(Buffer.concat([u8(2), message({}).subarray(1)])),
    'malformed',
  ],
  ['an empty record', record(Buffer.alloc(0)), 'malformed'],
  ['a record that is too long', Buffer.from('1603014001', 'hex'), 'malformed'],
  [
    'a record of another kind within',
    Buffer.concat([record(message({}).subarray(0, 9)), record(Buffer.from([1]), 20)]),
    'malformed',
  ],
  ['a session of 33 bytes', record(message({ session: Buffer.alloc(33) })), 'malformed'],
  ['no suites', record(message({ suites: Buffer.alloc(0) })), 'malformed'],
  ['half a suite', record(message({ suites: Buffer.alloc(3) })), 'malformed'],
  ['no compressions', record(message({ compressions: Buffer.alloc(0) })), 'malformed'],
  [
    'the message ends within its random',
    record(Buffer.concat([u8(1), u24(9), Buffer.alloc(9)])),
    'malformed',
  ],
  ['bytes behind the extensions', record(message({ extensions: [a], behind: u8(0) })), 'malformed'],
  [
    'an extension is longer than the list',
    record(message({ extensions: [u16(0), u16(9)] })),
    'malformed',
  ],
  ['half an extension', record(message({ extensions: [a, u8(0)] })), 'malformed'],
  ['two names, one extension each', record(message({ extensions: [a, a] })), 'malformed'],
  [
    'two names in one list',
    record(message({ extensions: [extension(0, nameList([0, 'a'], [0, 'b']))] })),
    'malformed',
  ],
  [
    'a name of another type',
    record(message({ extensions: [extension(0, nameList([1, 'a']))] })),
    'malformed',
  ],
  ['an empty list of names', record(message({ extensions: [extension(0, u16(0))] })), 'malformed'],
  [
    'nothing for a name',
    record(message({ extensions: [extension(0, Buffer.alloc(0))] })),
    'malformed',
  ],
  ['an empty name', record(message({ extensions: [serverName('')] })), 'malformed'],
  ['a NUL in a name', record(message({ extensions: [serverName('a.test\0.b')] })), 'malformed'],
  ['a space in a name', record(message({ extensions: [serverName('a test')] })), 'malformed'],
  [
    'a byte above ASCII in a name',
    record(message({ extensions: [serverName('ä.test')] })),
    'malformed',
  ],
  [
    'a name of 256 bytes',
    record(message({ extensions: [serverName('a'.repeat(256))] })),
    'malformed',
  ],
  [
    'bytes behind the list of names',
    record(message({ extensions: [extension(0, Buffer.concat([nameList([0, 'a']), u8(0)]))] })),
    'malformed',
  ],
  [
    'a message that is announced too long',
    record(Buffer.concat([u8(1), u24(maxHelloBytes)])),
    'too-large',
  ],
  [
    'too many records of one byte',
    records(message({ extensions: [extension(21, Buffer.alloc(9000))] }), 1),
    'too-large',
  ],
]

t.test('what is no ClientHello has one reason, however it is cut', async (t) => {
  for (const [why, bytes, reason] of broken) {
    const wanted = { kind: 'none', reason }
    t.same(readAll(bytes), wanted, why)
    t.same(readInPieces(bytes, always(1)), wanted, `${why}; byte by byte`)
  }
})

t.test('what was read is kept for who serves the connection', async (t) => {
  const bytes = Buffer.concat([record(message({ extensions: [a] })), Buffer.from('more')])
  const reader = new ClientHelloReader()
  for (const byte of bytes.subarray(0, 60)) reader.push(u8(byte))
  reader.push(bytes.subarray(60))
  t.same(reader.bytes, bytes)
})

// ── properties ─────────────────────────────────────────────────────────────────────────────────

const bytesOf = (max: number) =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes))
const anExtension = fc.oneof(
  fc.domain().map(serverName),
  fc
    .tuple(fc.constantFrom(0, 10, 16, 0x1a1a, 0xfe0d), bytesOf(12))
    .map(([type, content]) => extension(type, content)),
)
const aHello = fc
  .record({
    session: bytesOf(33),
    suites: bytesOf(6),
    extensions: fc.array(anExtension, { maxLength: 4 }),
  })
  .map(message)
const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })
const aConnection = fc
  .tuple(aHello, fc.integer({ min: 1, max: 400 }), edits, bytesOf(8))
  .map(([hello, size, changes, behind]) => {
    const bytes = Buffer.concat([records(hello, size), behind])
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    return bytes
  })

t.test('reads in pieces what the oracle reads', async (t) => {
  const pieces = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 40 })
  let hellos = 0
  assertProperty(
    t,
    fc.property(aConnection, pieces, (bytes, sizes) => {
      const wanted = oracle(bytes)
      if (wanted !== 'more' && wanted.kind === 'hello') hellos += 1
      t.strictSame(readInPieces(bytes, sizes), wanted)
      t.strictSame(readAll(bytes), wanted)
    }),
    { numRuns: 300 },
  )
  t.ok(hellos > 30, `some are whole: ${hellos} of 300`)
})

t.test('reads no more than is there', async (t) => {
  assertProperty(
    t,
    fc.property(bytesOf(80), (bytes) => void readAll(bytes)),
  )
  assertProperty(
    t,
    fc.property(
      bytesOf(200),
      (bytes) => void readAll(record(Buffer.concat([u8(1), u24(bytes.length), bytes]))),
    ),
  )
})

// ── real clients ───────────────────────────────────────────────────────────────────────────────

async function firstBytesOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const first = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) =>
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes)
        socket.destroy()
      }),
    )
  })
  const client = connectTls({ ...options, socket: connect(port, '127.0.0.1') })
  client.on('error', () => client.destroy())
  const bytes = await first
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return bytes
}

t.test('reads what OpenSSL writes', async (t) => {
  const clients: readonly (readonly [ConnectionOptions, string | undefined])[] = [
    [{ servername: 'a.test' }, 'a.test'],
    [{ servername: 'a.test', maxVersion: 'TLSv1.2' }, 'a.test'],
    [{ servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'], minVersion: 'TLSv1.3' }, 'a.test'],
    [{}, undefined],
  ]
  for (const [options, name] of clients) {
    t.same(readAll(await firstBytesOf(options)), { kind: 'hello', serverName: name })
  }
})
