import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { readAnyResponseHead, repairResponseHead } from './repair-response.ts'
import { Http1ResponseHead, readResponseHead } from './response-head.ts'
import { usualLimits } from './testing/read-request.ts'

const ok = 'HTTP/1.1 200 OK'
const length = 'Content-Length: 5'

const repairs = [
  { raw: `${ok}\n${length}\n\n`, is: [ok, length], why: 'bare LF ends each line' },
  { raw: `${ok}\n${length}\r\n\r\n`, is: [ok, length], why: 'some of them' },
  { raw: `${ok}\r\n${length}\r\n\n`, is: [ok, length], why: 'the empty line' },
  { raw: `${ok}\n${length}\n\r\n`, is: [ok, length], why: 'all but the empty line' },
  { raw: 'HTTP/1.1 299\n\n', is: ['HTTP/1.1 299'], why: 'without reason, space and fields' },
  {
    raw: `HTTP/1.1 200 O\x01K\x7f\0\r\n${length}\r\n\r\n`,
    is: ['HTTP/1.1 200 O K  ', length],
    why: 'the reason is for people',
  },
  {
    raw: `${ok}\r\nX: a\x01b\x1b[0m\x7f\r\n${length}\r\n\r\n`,
    is: [ok, 'X: a b [0m ', length],
    why: 'controls in a value become spaces, as RFC 9110 §5.5 has it',
  },
  { raw: `${ok}\r\nX: a\tb\xe9\n\r\n`, is: [ok, 'X: a\tb\xe9'], why: 'tabs and bytes ≥ 0x80 stay' },
  {
    raw: `${ok}\r\n${length}\r\nA: b\r\nCONTENT-LENGTH:5 \t\r\n\r\n`,
    is: [ok, length, 'A: b'],
    why: 'the same length twice is one',
  },
  {
    raw: `${ok}\r\nContent-Length: 0000000000000000000005\r\n\r\n`,
    is: [ok, length],
    why: 'zeros in front mean nothing',
  },
]

for (const { raw, is, why } of repairs) {
  t.test(`${JSON.stringify(raw)} is made strict: ${why}`, async (t) => {
    const text = `${is.join('\r\n')}\r\n\r\n`
    t.same(repairResponseHead(raw), { text, length: raw.length })
    t.same(repairResponseHead(`${raw}hello\r\n\r\n\n\n`), { text, length: raw.length }, 'alone')
    t.same(repairResponseHead(text), { text, length: text.length }, 'what is strict stays')
    const head = new Http1ResponseHead()
    t.equal(readAnyResponseHead(`${raw}body`, 'GET', usualLimits, head), raw.length)
  })
}

const refused = [
  { raw: `${ok}\r${length}\r\r`, why: 'bare CR ends lines for none of them' },
  { raw: `${ok}\r\n${length}\r\nX: a\rb\r\n\r\n`, why: 'a bare CR within a line (HAProxy)' },
  { raw: `${ok}\r\r\n${length}\r\n\r\n`, why: 'two CRs (HAProxy)' },
  { raw: `HTTP/1.1 200 O\rK\r\n${length}\r\n\r\n`, why: 'a bare CR in the reason (HAProxy)' },
  { raw: `${ok}\r\nX: a\0b\r\n${length}\r\n\r\n`, why: 'NUL in a value (nginx)' },
  { raw: `${ok}\r\nX\x01: a\r\n${length}\r\n\r\n`, why: 'a control in a name (nginx, HAProxy)' },
  { raw: `${ok}\r\nX : a\r\n${length}\r\n\r\n`, why: 'a space before the colon (nginx, HAProxy)' },
  { raw: `${ok}\r\nX[]: a\r\n${length}\r\n\r\n`, why: 'no token (HAProxy)' },
  { raw: `${ok}\r\ngarbage\r\n${length}\r\n\r\n`, why: 'no colon (HAProxy, Caddy)' },
  { raw: `${ok}\r\nX: a\r\n b\r\n${length}\r\n\r\n`, why: 'a folded line (nginx)' },
  { raw: `${ok}\r\nContent-Length:\r\n 5\r\n\r\n`, why: 'a folded length (nginx)' },
  { raw: `${ok}\r\nContent-Length: 5\x01\r\n\r\n`, why: 'a control in a length (HAProxy, Caddy)' },
  { raw: `${ok}\r\nTransfer-Encoding: chunked\x01\r\n\r\n`, why: 'or in a coding' },
  { raw: `${ok}\r\n${length}\r\nContent-Length: 6\r\n\r\n`, why: 'two lengths (HAProxy, Caddy)' },
  { raw: `${ok}\r\n${length}\r\nContent-Length: 05\r\n\r\n`, why: 'two spellings (Caddy)' },
  { raw: `${ok}\r\nContent-Length: 5, 5\r\n\r\n`, why: 'a list (Caddy)' },
  { raw: `${ok}\r\nContent-Length: +5\r\n\r\n`, why: 'a sign (HAProxy, Caddy)' },
  {
    raw: `${ok}\n${length}\nTransfer-Encoding: chunked\n\n`,
    why: 'both a length and a coding: some read one, some the other',
  },
  { raw: `HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n`, why: 'Caddy reads to the end' },
  { raw: `\r\n${ok}\r\n${length}\r\n\r\n`, why: 'an empty line in front (Caddy)' },
  { raw: `\n${ok}\n${length}\n\n`, why: 'likewise' },
  { raw: `HTTP/1.1 200\tOK\n\n`, why: 'a tab behind the status (Caddy)' },
  { raw: `HTTP/1.1 200\x01OK\n\n`, why: 'a control there' },
  { raw: `http/1.1 200 OK\n\n`, why: 'the name has case (HAProxy, Caddy)' },
  { raw: `${ok}\n${length}`, why: 'the head does not end' },
]

for (const { raw, why } of refused) {
  t.test(`${JSON.stringify(raw)} stays refused: ${why}`, async (t) => {
    t.equal(readAnyResponseHead(raw, 'GET', usualLimits, new Http1ResponseHead()), 0)
  })
}

// `^` stands for what is a control byte in the sloppy form, and a space in the strict one.
const words = fc.stringMatching(/^[ -_^a-~]{0,12}$/)
const names = fc.constantFrom('X-A', 'set-cookie', 'Date', 'Connection')
const fields = fc.array(fc.tuple(names, words), { maxLength: 6 })
const bodies = fc.constantFrom('', 'hello', '\r\n\r\n', '\n\n', `${ok}\r\n\r\n`)

t.test(
  'a head with bare LFs, controls and a repeated length reads as the strict one',
  async (t) => {
    const twelve = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })
    assertProperty(
      t,
      fc.property(words, fields, twelve, fc.nat(5), bodies, (reason, fields, isLf, place, body) => {
        const first = `HTTP/1.1 200 ${reason}`
        const others = fields.map(([name, value]) => `${name}: ${value}`)
        const strict = [first, length, ...others, '', ''].join('\r\n').replaceAll('^', ' ')
        const again = others.toSpliced(Math.min(place, others.length), 0, length)
        const sloppy = [first, length, ...again, '']
          .map((line, index) => line + (isLf[index] === true ? '\n' : '\r\n'))
          .join('')
          .replaceAll('^', '\x02')
        const wanted = new Http1ResponseHead()
        const found = new Http1ResponseHead()
        if (!readResponseHead(strict, 'GET', usualLimits, wanted)) throw new Error('not strict')
        const taken = readAnyResponseHead(sloppy + body, 'GET', usualLimits, found)
        if (taken !== sloppy.length) throw new Error(`${taken} of ${sloppy.length}`)
        t.strictSame(found, wanted)
      }),
    )
  },
)
