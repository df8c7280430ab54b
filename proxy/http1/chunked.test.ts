import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { ChunkedReader } from './chunked.ts'

/** What became of a body: where it ends, its data and its trailers; or that it failed or goes on. */
interface Outcome {
  readonly state: 'done' | 'failed' | 'more'
  readonly data: string
  readonly trailers: string
  /** Offset behind the body's last byte; 0 unless it is done. */
  readonly end: number
}

/** Reads `text` in pieces that end at `cuts`. */
function read(text: string, cuts: readonly number[] = [], reader = new ChunkedReader()): Outcome {
  let data = ''
  let from = 0
  let end = 0
  const sink = {
    onBodyData: (bytes: Buffer) => {
      data += bytes.toString('latin1')
    },
  }
  reader.start()
  for (const cut of [...cuts, text.length]) {
    if (cut <= from) continue
    const piece = Buffer.from(text.slice(from, cut), 'latin1')
    const behind = reader.push(piece, 0, sink)
    if (reader.isDone || reader.isFailed) {
      end = from + behind
      break
    }
    if (behind !== piece.length) throw new Error('bytes were left over though the body goes on')
    from = cut
  }
  if (reader.isDone) return { state: 'done', data, trailers: reader.trailers, end }
  return { state: reader.isFailed ? 'failed' : 'more', data, trailers: '', end: 0 }
}

const everyCut = (text: string) => Array.from({ length: text.length }, (_, at) => at)

const last = '0\r\n\r\n'
const good = [
  { text: last, data: '', why: 'no data at all' },
  { text: `5\r\nhello\r\n${last}`, data: 'hello', why: 'one chunk' },
  { text: `A\r\nhelloworld\r\n${last}`, data: 'helloworld', why: 'a large hex digit' },
  { text: `a\r\nhelloworld\r\n${last}`, data: 'helloworld', why: 'a small one' },
  { text: `1\r\na\r\n2\r\n\r\n\r\n${last}`, data: 'a\r\n', why: 'data may be line ends' },
  { text: `0005\r\nhello\r\n000\r\n\r\n`, data: 'hello', why: 'zeros in front' },
  { text: `5;a\r\nhello\r\n${last}`, data: 'hello', why: 'an extension' },
  { text: `5;a=b;c="d;\\"\t\xe9"\r\nhello\r\n${last}`, data: 'hello', why: 'quoted, too' },
  { text: `5 ;\ta=b\r\nhello\r\n${last}`, data: 'hello', why: 'bad white space before ; is read' },
  { text: `5\r\nhello\r\n0;x=y\r\n\r\n`, data: 'hello', why: 'an extension of the last chunk' },
]

for (const { text, data, why } of good) {
  t.test(`${JSON.stringify(text)} is read: ${why}`, async (t) => {
    const whole = { state: 'done', data, trailers: '', end: text.length }
    t.same(read(text), whole)
    t.same(read(`${text}GET /`), whole, 'and what follows is not touched')
    t.same(read(`${text}GET /`, everyCut(text)), whole, 'byte by byte')
  })
}

const bad = [
  { text: '0x5\r\nhello\r\n', why: 'a prefix' },
  { text: '+5\r\nhello\r\n', why: 'a sign' },
  { text: '-5\r\nhello\r\n', why: 'a sign' },
  { text: ' 5\r\nhello\r\n', why: 'white space in front' },
  { text: '5 \r\nhello\r\n', why: 'white space behind' },
  { text: '5_0\r\nhello\r\n', why: 'a separator' },
  { text: '5g\r\nhello\r\n', why: 'no hex digit' },
  { text: '\r\nhello\r\n', why: 'no size' },
  { text: ';a\r\nhello\r\n', why: 'no size, but an extension' },
  { text: '5\0\r\nhello\r\n', why: 'NUL' },
  { text: '5\nhello\n', why: 'a bare LF ends no line' },
  { text: '5\rhello\r\n', why: 'a bare CR ends no line' },
  { text: '5\r\r\nhello\r\n', why: 'two CRs' },
  { text: '5;\r\nhello\r\n', why: 'an extension without a name' },
  { text: '5;=b\r\nhello\r\n', why: 'an extension without a name' },
  { text: '5;a b\r\nhello\r\n', why: 'two words' },
  { text: '5;a="b\r\nhello\r\n', why: 'an open quote' },
  { text: '5;a=b\nc\r\nhello\r\n', why: 'a bare LF in an extension' },
  { text: '5,a\r\nhello\r\n', why: 'a comma' },
  { text: '100000000\r\nhello\r\n', why: 'more than 32 bits' },
  { text: '10000000000000005\r\nhello\r\n', why: 'more than 64 bits: some read 5' },
  { text: `${'0'.repeat(64)}5\r\nhello\r\n`, why: 'more digits than anybody writes' },
  { text: '5\r\nhelloX\r\n', why: 'data is longer than its size' },
  { text: '5\r\nhell\r\n', why: 'data is shorter than its size' },
  { text: '5\r\nhello0\r\n', why: 'no line end behind the data' },
  { text: '5\r\nhello\n0\r\n\r\n', why: 'a bare LF behind the data' },
  { text: '5\r\nhello\r0\r\n\r\n', why: 'a bare CR behind the data' },
  { text: '5\r\nhelloXY', why: 'known before the line ends' },
  { text: '0\r\nX\r\n\r\n', why: 'a trailer without a colon' },
  { text: '0\r\nX : y\r\n\r\n', why: 'white space in front of its colon' },
  { text: '0\r\nX: y\r\n z\r\n\r\n', why: 'a folded trailer' },
  { text: '0\r\nX: y\0\r\n\r\n', why: 'NUL in a trailer' },
  { text: '0\r\nX: y\n\r\n', why: 'a bare LF in the trailers' },
  { text: '0\r\n\n', why: 'a bare LF at the end' },
  { text: '0\r\n\rX', why: 'a bare CR at the end, and the line does not end', isOpen: true },
]

for (const { text, why, isOpen } of bad) {
  t.test(`${JSON.stringify(text)} is ${isOpen ? 'never done' : 'refused'}: ${why}`, async (t) => {
    const state = isOpen ? 'more' : 'failed'
    t.equal(read(text).state, state)
    t.equal(read(text, everyCut(text)).state, state, 'byte by byte')
    if (isOpen) t.equal(read(`${text}\r\n`).state, 'failed', 'when it ends it is refused')
  })
}

const trailers = [
  { name: 'X-Checksum', isKept: true, why: 'any field about the content' },
  { name: 'Server-Timing', isKept: true, why: 'commonly sent' },
  { name: 'Content-Length', isKept: false, why: 'framing' },
  { name: 'TRANSFER-ENCODING', isKept: false, why: 'framing, without case' },
  { name: 'Host', isKept: false, why: 'routing' },
  { name: 'Authorization', isKept: false, why: 'authentication' },
  { name: 'Cookie', isKept: false, why: 'authentication' },
  { name: 'Set-Cookie', isKept: false, why: 'response control' },
  { name: 'Connection', isKept: false, why: 'one hop' },
  { name: 'X-Forwarded-For', isKept: false, why: 'Weir’s own' },
  { name: 'X-Real-IP', isKept: false, why: 'Weir’s own' },
  { name: 'Content_Length', isKept: false, why: 'a look-alike' },
]

for (const { name, isKept, why } of trailers) {
  t.test(`trailer ${name} is ${isKept ? 'kept' : 'dropped'}: ${why}`, async (t) => {
    const text = `1\r\na\r\n0\r\nA:1\r\n${name}:  b \r\nB: 2\r\n\r\n`
    const kept = isKept ? `A:1\r\n${name}:  b \r\nB: 2\r\n` : 'A:1\r\nB: 2\r\n'
    t.same(read(text), { state: 'done', data: 'a', trailers: kept, end: text.length })
  })
}

const limits = [
  { text: `5;a=${'b'.repeat(250)}\r\nhello\r\n${last}`, state: 'done', why: 'a line of 256' },
  { text: `5;a=${'b'.repeat(251)}\r\nhello\r\n${last}`, state: 'failed', why: 'one more' },
  { text: `${'0'.repeat(63)}5\r\nhello\r\n${last}`, state: 'done', why: '64 digits' },
  { text: 'ffffffff\r\n', state: 'more', why: 'the largest size' },
  { text: `0\r\nA: ${'b'.repeat(16379)}\r\n\r\n`, state: 'done', why: '16 KiB of trailers' },
  { text: `0\r\nA: ${'b'.repeat(16380)}\r\n\r\n`, state: 'failed', why: 'one more' },
  { text: `0\r\n${'A: b\r\n'.repeat(2730)}\r\n`, state: 'done', why: '16,380 in many lines' },
  { text: `0\r\n${'A: b\r\n'.repeat(2731)}\r\n`, state: 'failed', why: '16,386 in many' },
  { text: `0\r\n${'Host: b\r\n'.repeat(2000)}\r\n`, state: 'failed', why: 'dropped ones count' },
  {
    text: `${`1;${'a'.repeat(100)}\r\nx\r\n`.repeat(162)}${last}`,
    state: 'done',
    why: '16 KiB of extensions',
  },
  {
    text: `${`1;${'a'.repeat(100)}\r\nx\r\n`.repeat(163)}${last}`,
    state: 'failed',
    why: 'CVE-2023-39326: more',
  },
]

for (const { text, state, why } of limits) {
  t.test(
    `limits: ${JSON.stringify(text.slice(0, 20))}… of ${text.length} is ${state}: ${why}`,
    async (t) => {
      t.equal(read(text).state, state)
      t.equal(read(text, everyCut(text)).state, state, 'byte by byte')
    },
  )
}

t.test('a reader that starts again forgets the body before', async (t) => {
  const reader = new ChunkedReader()
  t.equal(read('0\r\nA: 1\r\n\r\n', [], reader).trailers, 'A: 1\r\n')
  t.equal(read('5;a\r\nhel', [], reader).state, 'more')
  t.equal(read('zz\r\n', [], reader).state, 'failed')
  t.same(read(last, [], reader), { state: 'done', data: '', trailers: '', end: 5 })
})

/** RFC 9112 §7.1, line by line with the limits of the reader; shares nothing with it. */
function readNaively(text: string): Outcome {
  const failed = (data: string): Outcome => ({ state: 'failed', data, trailers: '', end: 0 })
  const more = (data: string): Outcome => ({ state: 'more', data, trailers: '', end: 0 })
  let data = ''
  let trailers = ''
  let trailerBytes = 0
  let at = 0
  let overhead = 0
  for (;;) {
    const lf = text.indexOf('\n', at)
    const line = text.slice(at, lf === -1 ? text.length : lf + 1)
    if (line.length > 256) return failed(data)
    if (lf === -1) return more(data)
    const size = sizeOf(line)
    if (size === undefined) return failed(data)
    at = lf + 1
    overhead += line.length - 2
    if (overhead > 16384 + data.length + size) return failed(data)
    if (size === 0) break
    data += text.slice(at, at + size)
    at += size
    const end = text.slice(at, at + 2)
    if (end !== '\r\n') return '\r\n'.startsWith(end) ? more(data) : failed(data)
    at += 2
  }
  for (;;) {
    const lf = text.indexOf('\n', at)
    const line = text.slice(at, lf === -1 ? text.length : lf + 1)
    if (line.length > 16384) return failed(data)
    if (lf === -1) return more(data)
    at = lf + 1
    if (line === '\r\n') return { state: 'done', data, trailers, end: at }
    trailerBytes += line.length
    if (!/^[\w!#$%&'*+\-.^`|~]+:[\t -~\x80-\xff]*\r\n$/.test(line)) return failed(data)
    if (trailerBytes > 16384) return failed(data)
    if (!/^(?:[^:]*_[^:]*|host|content-length):/i.test(line)) trailers += line
  }
}

/** A chunk's size line, taken apart piece by piece. */
function sizeOf(line: string): number | undefined {
  let rest = line
  const take = (pattern: RegExp): string | undefined => {
    const taken = pattern.exec(rest)?.[0]
    rest = rest.slice(taken?.length ?? 0)
    return taken
  }
  const token = /^[\w!#$%&'*+\-.^`|~]+/
  const quoted = /^"(?:[\t !\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t -~\x80-\xff])*"/
  const digits = take(/^[\dA-Fa-f]{1,64}/)
  while (rest !== '\r\n') {
    if (take(/^[\t ]*;[\t ]*/) === undefined || take(token) === undefined) return undefined
    if (take(/^=/) !== undefined && (take(token) ?? take(quoted)) === undefined) return undefined
  }
  const size = Number.parseInt(digits ?? '', 16)
  return size <= 0xffffffff ? size : undefined
}

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('5\r\nhello\r\n', '1;a=b\r\nx\r\n', '3;a="b"\r\n\r\nz\r\n'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      last,
      '0\r\nA: b\r\n',
      'X-Y: z\r\n',
      'Host: a\r\n',
      'A: b_c\r\n',
      '\r\n',
    ),
  },
  { weight: 3, arbitrary: fc.constantFrom('2\r\n', '0', 'f', ';', 'a', '=', '"', '\\', ' ', '\t') },
  { weight: 2, arbitrary: fc.constantFrom('\r', '\n', '\0', 'A_b: c\r\n', ' c\r\n', ':') },
)
const bodies = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''))
const cutsOf = fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 12 })

t.test('any body in any segmentation is read as the grammar reads it', async (t) => {
  assertProperty(
    t,
    fc.property(bodies, cutsOf, (body, cuts) => {
      const sorted = cuts.toSorted((one, two) => one - two)
      const is = JSON.stringify(read(body, sorted))
      const shouldBe = JSON.stringify(readNaively(body))
      if (is !== shouldBe) throw new Error(`${is} should be ${shouldBe}`)
    }),
    { numRuns: 20_000 },
  )
})

t.test('any data in any chunks comes out as it went in', async (t) => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 })
  assertProperty(
    t,
    fc.property(chunks, cutsOf, (chunks, cuts) => {
      const texts = chunks.map((bytes) => Buffer.from(bytes).toString('latin1'))
      const body = texts.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('') + last
      const { state, data, end } = read(
        `${body}rest`,
        cuts.toSorted((one, two) => one - two),
      )
      return state === 'done' && data === texts.join('') && end === body.length
    }),
  )
})

t.test('the hostile cases of category CHUNK come out as they should', async (t) => {
  const path = new URL('../../test/cases/http1-hostile.json', import.meta.url)
  const { cases } = JSON.parse(readFileSync(path, 'utf8'))
  let judged = 0
  for (const { id, category, raw, expect } of cases) {
    if (category !== 'CHUNK' || typeof raw !== 'string') continue
    const body = raw.slice(raw.indexOf('\r\n\r\n') + 4)
    if (!raw.includes('Transfer-Encoding: chunked\r\n\r\n')) continue
    const { state } = read(body)
    const may = expect.accept.some((outcome: string) => outcome.startsWith('forwarded'))
    const must = !expect.accept.some((outcome: string) => /^(?:400|413|closed)$/.test(outcome))
    if (must) t.equal(state, 'done', id)
    else if (!may) t.not(state, 'done', id)
    judged += 1
  }
  t.ok(judged >= 40, `${judged} cases`)
})
