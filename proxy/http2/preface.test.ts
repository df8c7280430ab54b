import t from 'tap'
import { looksLikePreface } from './preface.ts'

const whole = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

const cases = [
  { bytes: '', is: 'more', why: 'nothing has come yet' },
  { bytes: 'P', is: 'more', why: 'it may become PUT, too' },
  { bytes: 'PO', is: 'no', why: 'POST' },
  { bytes: 'PRI * HTTP/2.0\r\n\r\n', is: 'more', why: 'a request line of HTTP/1 is not all of it' },
  { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r', is: 'more', why: 'one byte is missing' },
  { bytes: whole, is: 'yes', why: 'all of it' },
  { bytes: `${whole}\0\0\0\x04`, is: 'yes', why: 'frames follow' },
  { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\rX', is: 'no', why: 'the last byte is another one' },
  { bytes: 'PRI * HTTP/1.1\r\nHost: a\r\n\r\n', is: 'no', why: 'a method of HTTP/1' },
  { bytes: whole.toLowerCase(), is: 'no', why: 'case matters' },
  { bytes: `\r\n${whole}`, is: 'no', why: 'nothing may come before it' },
  { bytes: 'GET / HTTP/1.1\r\n', is: 'no', why: 'HTTP/1' },
] as const

for (const { bytes, is, why } of cases) {
  t.equal(looksLikePreface(Buffer.from(bytes, 'latin1')), is, `${JSON.stringify(bytes)}: ${why}`)
}
