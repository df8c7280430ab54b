// The request head reader against a naive reader of the RFC's grammar, written byte by byte and apart from it.
import fc from 'fast-check'
import t from 'tap'
import { normalisePath } from '../../shared/routing/path.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { normaliseHost } from '../http/authority.ts'
import { readLines } from './testing/read-request.ts'
import { isToken, type ScannedField, Scanner, scanFields, trim } from './testing/scanner.ts'

/** What matters of an accepted head. */
interface Understood {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly framing: string
  readonly keepAlive: boolean
  readonly fields: string
}

/** RFC 9112 §3 and §5; undefined where it is not followed to the letter. */
function scan(text: string): { line: string[]; fields: ScannedField[] } | undefined {
  const scanner = new Scanner(text)
  const method = scanner.run(isToken)
  if (method === '' || !scanner.take(' ')) return undefined
  const target = scanner.run((byte) => byte > ' ' && byte !== '\x7f')
  if (target === '' || !scanner.take(' HTTP/1.')) return undefined
  const minor = scanner.run((byte) => byte === '0' || byte === '1')
  if (minor.length !== 1 || !scanner.take('\r\n')) return undefined
  const fields = scanFields(scanner)
  return fields === undefined ? undefined : { line: [method, target, minor], fields }
}

const oneHop = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['proxy-connection', 'x-forwarded-for', 'forwarded', 'x-real-ip'],
])

const guarded = ['content-length', 'transfer-encoding', 'x-real-ip', 'x-request-id']

/** A back end that maps `-` and `_` to one variable would take it for a field that Weir answers for. */
function isLookAlike(name: string): boolean {
  const hyphened = name.replaceAll('_', '-')
  if (name === hyphened || name.startsWith('x-forwarded-')) return false
  return guarded.includes(hyphened) || hyphened.startsWith('x-forwarded-')
}

/** RFC 9112 §6.3 and §9.3, every doubtful combination refused; undefined when it is. */
function understand(text: string): Understood | undefined {
  const scanned = scan(text)
  if (scanned === undefined) return undefined
  const [method = '', target = '', minor = ''] = scanned.line
  const { fields } = scanned
  const valuesOf = (name: string) =>
    fields.filter((field) => field.name === name).map((field) => field.value)
  const hosts = valuesOf('host')
  if (hosts.length > 1 || (hosts.length === 0 && minor === '1')) return undefined
  const host = hosts[0] === undefined ? '' : normaliseHost(hosts[0])
  const path = normalisePath(target)
  if (host === undefined || path === undefined) return undefined
  if (fields.some(({ name }) => isLookAlike(name))) return undefined
  const framing = frame(valuesOf('content-length'), valuesOf('transfer-encoding'), minor)
  const expectations = valuesOf('expect').filter((value) => value !== '')
  const isExpected = expectations.every((value) => value.toLowerCase() === '100-continue')
  if (framing === undefined || !isExpected || expectations.length > 1) return undefined
  const options = valuesOf('connection').join(',').toLowerCase().split(',').map(trim)
  const keepAlive = !options.includes('close') && (minor === '1' || options.includes('keep-alive'))
  // RFC 9110 §7.6.1; Host is told apart, and what Connection lists ends here (but routing, framing and tracing).
  const isKept = (name: string) =>
    name !== 'host' &&
    !oneHop.has(name) &&
    !name.startsWith('x-forwarded-') &&
    (!options.includes(name) || ['content-length', 'x-amzn-trace-id'].includes(name))
  const kept = fields.filter(({ name }) => isKept(name)).map((field) => field.line)
  return { method, target: path, host, framing, keepAlive, fields: kept.join('') }
}

function frame(lengths: string[], codings: string[], minor: string): string | undefined {
  const [length] = lengths
  const [coding] = codings
  if (lengths.length + codings.length > 1) return undefined
  if (coding !== undefined) {
    return minor === '1' && coding.toLowerCase() === 'chunked' ? 'chunked' : undefined
  }
  if (length === undefined) return 'none'
  const isNumber = length !== '' && [...length].every((byte) => byte >= '0' && byte <= '9')
  return isNumber && length.length <= 15 ? `length ${Number(length)}` : undefined
}

const lines = [
  ...['Host: a.test', 'Host: A.test:80', 'host:b.test', 'Host: a b', 'Host:'],
  ...['Content-Length: 5', 'Content-Length: 5', 'content-length:\t007 ', 'Content-Length: +5'],
  ...['Content-Length: 1234567890123456', 'Content_Length: 5', 'Content-Length: '],
  ...['Transfer-Encoding: chunked', 'transfer-encoding: CHUNKED', 'Transfer-Encoding: gzip'],
  ...['Transfer-Encoding: chunked, chunked', 'Transfer-Encoding:', 'TE: trailers'],
  ...['Connection: close', 'Connection: Keep-Alive', 'Connection: ,close , x', 'Keep-Alive: 1'],
  ...['Expect: 100-continue', 'Expect: 200-ok', 'Expect:', 'Trailer: x', 'Upgrade: h2c'],
  ...[
    'X-Forwarded-For: 1',
    'Forwarded: x',
    'X-Real-IP: 1',
    'Cookie: a=\xff',
    'A :b',
    ': b',
    'A',
    ' x',
  ],
  ...['A:', 'A: \0', 'A: b\x7f', 'A: b\rc', 'A: b\nc', 'Proxy-Connection: close', 'x_y: z'],
]
const requestLines = [
  ...['GET / HTTP/1.1', 'POST /a?b HTTP/1.1', 'PUT /a/../b HTTP/1.0', 'GET /.. HTTP/1.1'],
  ...['GET  / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET /\x01 HTTP/1.1', 'G@T / HTTP/1.1', 'GET /'],
]

/** Changes one byte, or none. */
const damage = fc.option(
  fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 255 })),
  { freq: 3 },
)
const heads = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('POST /a HTTP/1.1') },
      { weight: 1, arbitrary: fc.constantFrom(...requestLines) },
    ),
    fc.array(fc.constantFrom(...lines), { maxLength: 4 }),
    fc.boolean(),
    damage,
  )
  .map(([line, fields, hasHost, damage]) => {
    const text = [line, ...(hasHost ? ['Host: a.test'] : []), ...fields].join('\r\n')
    if (damage === null) return text
    const [at, code] = damage
    return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
  })

t.test('any head is read as the grammar reads it byte by byte', async (t) => {
  let accepted = 0
  assertProperty(
    t,
    fc.property(heads, (text) => {
      // Queries and other forms of a target have tables of their own.
      fc.pre(!/^[^ ]* [^/ ]|^[^ ]* [^ ]*\?|^(?:CONNECT|TRACE|TRACK) /.test(text))
      const shouldBe = understand(`${text}\r\n\r\n`)
      const head = readLines([text])
      if (typeof head === 'string') {
        if (shouldBe !== undefined) throw new Error(`${head}: ${JSON.stringify(shouldBe)}`)
        return
      }
      accepted += 1
      const { method, path, host, framing, contentLength, keepAlive, fields } = head
      const framed = framing === 'length' ? `length ${contentLength}` : framing
      const is = { method, target: path, host, framing: framed, keepAlive, fields }
      if (JSON.stringify(is) !== JSON.stringify(shouldBe)) {
        throw new Error(`${JSON.stringify(is)} should be ${JSON.stringify(shouldBe)}`)
      }
    }),
    { numRuns: 20_000 },
  )
  t.ok(accepted > 1000, `${accepted} were accepted`)
})
