import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import type { HeadLimits } from '../http/head-limits.ts'
import { HeadGatherer } from './head-gatherer.ts'
import { readRequestHead } from './read-request-head.ts'
import { Http1RequestHead } from './request-head.ts'
import { Http1ResponseHead, readResponseHead } from './response-head.ts'

const requestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32} [\x21-\x7e\x80-\xff]+ HTTP\/\d\.\d$/
const statusLine = /^HTTP\/1\.\d [1-9]\d\d(?: [^\r\n]*)?$/
const limits: HeadLimits = { maxLineBytes: 60, maxHeadBytes: 300, maxFields: 6 }

/** Cuts `text` at offsets into pieces. */
function pieces(text: string, cuts: readonly number[]): Buffer[] {
  const borders = [...new Set([0, ...cuts.filter((cut) => cut < text.length), text.length])]
  return borders
    .toSorted((one, two) => one - two)
    .slice(1)
    .map((end, index, ends) => Buffer.from(text.slice(ends[index - 1] ?? 0, end), 'latin1'))
}

/** Reads one request head and what is left behind it; a string says why there is none (yet). */
function readHead(text: string, cuts: readonly number[]): { head: string; rest: string } | string {
  const gatherer = new HeadGatherer(limits, requestLine)
  const parts = pieces(text, cuts)
  for (const [index, part] of parts.entries()) {
    if (!gatherer.gather(part, 0)) {
      if (gatherer.failure !== undefined) return `refused: ${gatherer.failure}`
      continue
    }
    const failure = readRequestHead(gatherer.text, limits, new Http1RequestHead())
    if (failure !== undefined) return `refused: ${failure}`
    const behind = [part.subarray(gatherer.consumed), ...parts.slice(index + 1)]
    return { head: gatherer.text, rest: Buffer.concat(behind).toString('latin1') }
  }
  return 'more'
}

const everyCut = (text: string) => Array.from({ length: text.length }, (_, at) => at)
const good = 'GET /a HTTP/1.1\r\nHost: a.test\r\nX: \xe9\r\n\r\n'

t.test('a head is the same however it is cut', async (t) => {
  const whole = { head: good, rest: 'body' }
  t.same(readHead(`${good}body`, []), whole)
  t.same(readHead(`${good}body`, everyCut(good)), whole)
  for (const cut of everyCut(good)) t.same(readHead(`${good}body`, [cut]), whole, `at ${cut}`)
})

t.test('heads that follow each other in one read are gathered one by one', async (t) => {
  const gatherer = new HeadGatherer(limits, requestLine)
  const two = Buffer.from(`${good}${good}GET`, 'latin1')
  t.equal(gatherer.gather(two, 0), true)
  t.equal(gatherer.gather(two, gatherer.consumed), true)
  t.equal(gatherer.consumed, 2 * good.length)
  t.equal(gatherer.isPartial, false)
  t.equal(gatherer.gather(two, gatherer.consumed), false)
  t.equal(gatherer.isPartial, true)
  t.equal(gatherer.consumed, two.length)
})

const line = (length: number) => `GET /${'a'.repeat(length - 14)} HTTP/1.1\r\n`
const host = 'Host: a.test\r\n'
const field = (length: number) => `A: ${'b'.repeat(length - 5)}\r\n`
const headOf = (length: number) => {
  const begin = `${line(60)}${host}${field(60)}${field(60)}${field(60)}`
  return `${begin}${field(length - begin.length - 2)}\r\n`
}
const atLimits = [
  { text: `${line(60)}${host}\r\n`, is: undefined, why: 'a request line of 60' },
  { text: `${line(61)}${host}\r\n`, is: 'refused: target-too-long', why: 'one of 61' },
  { text: `${line(62)}${host}\r\n`, is: 'refused: target-too-long', why: 'one of 62' },
  { text: `${line(20)}${host}${field(60)}\r\n`, is: undefined, why: 'a field line of 60' },
  { text: `${line(20)}${host}${field(61)}\r\n`, is: 'refused: head-too-large', why: 'of 61' },
  { text: `${line(20)}${host}${field(63)}\r\n`, is: 'refused: head-too-large', why: 'of 63' },
  { text: headOf(299), is: undefined, why: 'a head of 299' },
  { text: headOf(300), is: undefined, why: 'a head of 300' },
  { text: headOf(301), is: 'refused: head-too-large', why: 'a head of 301' },
  { text: `${line(20)}${host}${field(9).repeat(5)}\r\n`, is: undefined, why: 'six fields' },
  {
    text: `${line(20)}${host}${field(9).repeat(6)}\r\n`,
    is: 'refused: head-too-large',
    why: 'seven fields',
  },
]

for (const { text, is, why } of atLimits) {
  t.test(`${why}: ${is ?? 'accepted'}, in one write and byte by byte`, async (t) => {
    const expected = is ?? { head: text, rest: '' }
    t.same(readHead(text, []), expected)
    t.same(readHead(text, everyCut(text)), expected)
    t.same(readHead(text, [text.length - 1]), expected, 'its last byte alone')
  })
}

const early = [
  { text: '\x16\x03\x01', why: 'a TLS hello' },
  { text: '\nGET', why: 'a bare LF in front' },
  { text: ' GET', why: 'white space in front' },
  { text: '\xff', why: 'a byte that begins no token' },
  { text: 'SSH-2.0-OpenSSH_9.6\r\n', why: 'another protocol: its first line is complete' },
  { text: 'GET /\r\n', why: 'HTTP/0.9' },
  { text: 'GET / HTTP/1.1\n', why: 'a bare LF' },
  { text: 'GET / HTTP/1.1\r\nA: b\rc', why: 'a bare CR' },
  { text: 'GET / HTTP/1.1\r\nA: b\0', why: 'NUL' },
]
for (const { text, why } of early) {
  t.test(`${JSON.stringify(text)} is refused before a head is complete: ${why}`, async (t) => {
    t.equal(readHead(text, []), 'refused: malformed-request')
    t.equal(readHead(text, everyCut(text)), 'refused: malformed-request')
  })
}

t.test(
  'a head that never ends is refused when it is too long, with no more bytes kept',
  async (t) => {
    const drip = Buffer.from('A: b\r\n')
    const gatherer = new HeadGatherer(limits, requestLine)
    gatherer.gather(Buffer.from('GET / HTTP/1.1\r\n'), 0)
    let drips = 0
    while (gatherer.failure === undefined) {
      gatherer.gather(drip, 0)
      drips += 1
    }
    t.equal(gatherer.failure, 'head-too-large')
    t.equal(drips, Math.ceil((limits.maxHeadBytes - 16 + 1) / drip.length))
    t.equal(gatherer.isPartial, false)
    gatherer.reset()
    t.equal(gatherer.failure, undefined)
    t.equal(gatherer.gather(Buffer.from(good, 'latin1'), 0), true, 'and the next one is read')
  },
)

t.test('empty lines in front of a request line come with its head', async (t) => {
  t.same(readHead('\r\n\r\nGET', []), 'refused: malformed-request', 'the caller skips them')
  const gatherer = new HeadGatherer(limits, requestLine)
  t.equal(gatherer.gather(Buffer.from('\r'), 0), false)
  t.equal(gatherer.gather(Buffer.from(`\n${good}`, 'latin1'), 0), true)
  t.equal(gatherer.text, `\r\n${good}`)
})

const mutation = fc.record({
  at: fc.integer({ min: 0, max: 200 }),
  drop: fc.integer({ min: 0, max: 3 }),
  insert: fc.oneof(
    fc.constantFrom('', '\r\n', '\r', '\n', '\0', ' ', ':', '\r\n\r\n', 'A: b\r\n', field(60)),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  ),
})
const heads = fc
  .tuple(
    fc.constantFrom(good, `${line(60)}${host}\r\n`, `${line(61)}${host}\r\n`, headOf(300)),
    fc.array(mutation, { maxLength: 3 }),
  )
  .map(([head, mutations]) =>
    mutations.reduce(
      (text, { at, drop, insert }) => text.slice(0, at) + insert + text.slice(at + drop),
      head,
    ),
  )
const cutsOf = fc.array(fc.integer({ min: 1, max: 310 }), { maxLength: 10 })

/** What it comes to: a head with two faults may be refused for either. */
function verdict(outcome: ReturnType<typeof readHead>): unknown {
  return typeof outcome === 'string' ? outcome.replace(/: .*/, '') : outcome
}

t.test('any bytes in any segmentation come to what one write of them does', async (t) => {
  let accepted = 0
  assertProperty(
    t,
    fc.property(heads, cutsOf, fc.constantFrom('', 'rest', good), (head, cuts, rest) => {
      const text = head + rest
      const whole = JSON.stringify(verdict(readHead(text, [])))
      const cut = JSON.stringify(verdict(readHead(text, cuts)))
      if (whole.startsWith('{')) accepted += 1
      if (whole !== cut) throw new Error(`${cut} should be ${whole}`)
    }),
    { numRuns: 10_000 },
  )
  t.ok(accepted > 1000, `${accepted} of 10,000 were accepted`)
})

t.test('responses, too', async (t) => {
  const response = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
  const outcome = (text: string, cuts: readonly number[]) => {
    const gatherer = new HeadGatherer(limits, statusLine)
    for (const part of pieces(text, cuts)) {
      if (gatherer.gather(part, 0)) {
        return readResponseHead(gatherer.text, 'GET', limits, new Http1ResponseHead())
          ? gatherer.text
          : 'refused'
      }
      if (gatherer.failure !== undefined) return 'refused'
    }
    return 'more'
  }
  assertProperty(
    t,
    fc.property(fc.array(mutation, { maxLength: 2 }), cutsOf, (mutations, cuts) => {
      const text = mutations.reduce(
        (each, { at, drop, insert }) =>
          each.slice(0, at % 40) + insert + each.slice((at % 40) + drop),
        response,
      )
      return outcome(text, []) === outcome(text, cuts)
    }),
    { numRuns: 5000 },
  )
})

const begun = [
  { pieces: ['HEAD / HTTP/1.1\r\nA: b\n'], is: 'HEAD ', why: 'refused in its second line' },
  { pieces: ['HE', 'AD / HTTP/1.1\r\nA: b', '\n'], is: 'HEAD ', why: 'in pieces' },
  { pieces: [`HEAD / HTTP/1.1\r\nA: ${'b'.repeat(300)}\r\n\r\n`], is: 'HEAD ', why: 'too large' },
  { pieces: ['HEAD / HTTP/1.1\r\n'], is: 'HEAD ', why: 'not complete' },
  { pieces: ['GET / HTTP/1.1\n'], is: 'GET /', why: 'another method' },
  { pieces: ['\x16\x03'], is: '', why: 'no method' },
]
for (const { pieces, is, why } of begun) {
  t.test(`what began with ${JSON.stringify(is)} is known to: ${why}`, async (t) => {
    const gatherer = new HeadGatherer(limits, requestLine)
    for (const piece of pieces) gatherer.gather(Buffer.from(piece), 0)
    t.equal(gatherer.begun, is)
    gatherer.reset()
    gatherer.gather(Buffer.from('\n'), 0)
    t.equal(gatherer.begun, '', 'and forgotten with the next')
  })
}

const sloppyHeads = [
  { text: 'HTTP/1.1 200 OK\nA: 1\n\n', why: 'bare LF' },
  { text: 'HTTP/1.1 200 OK\nA: 1\n\r\n', why: 'an empty line with CRLF' },
  { text: 'HTTP/1.1 200 OK\r\nA: 1\r\n\n', why: 'one without' },
  { text: 'HTTP/1.1 200 O\0K\r\n\r\n', why: 'NUL is for the reader to judge' },
]
for (const { text, why } of sloppyHeads) {
  t.test(`a sloppy gatherer ends ${JSON.stringify(text)} where it ends: ${why}`, async (t) => {
    // Far behind is what ends a strict head: it must not hide the end, nor be taken for one.
    const body = `${'x'.repeat(limits.maxHeadBytes)}\r\n\r\n`
    for (const cuts of [[], everyCut(text), [text.length]]) {
      const gatherer = new HeadGatherer(limits, statusLine, true)
      const [found] = pieces(text + body, cuts).filter((part) => gatherer.gather(part, 0))
      t.equal(gatherer.text, text)
      t.equal(
        found?.subarray(gatherer.consumed).toString('latin1').length,
        cuts.length === 1 ? 0 : body.length,
      )
    }
  })
}

t.test('a sloppy gatherer takes no bare CR and no more than its bounds', async (t) => {
  for (const text of ['HTTP/1.1 200 OK\rA', `HTTP/1.1 200 OK\n${'A: 1\n'.repeat(60)}\n`]) {
    const gatherer = new HeadGatherer(limits, statusLine, true)
    t.equal(gatherer.gather(Buffer.from(text), 0), false)
    t.ok(gatherer.failure, JSON.stringify(text.slice(0, 20)))
  }
})
