import t from 'tap'
import { ChunkedReader } from './chunked.ts'

/** What a sloppy reader makes of `text`, given whole or byte by byte; undefined when it fails. */
function read(
  text: string,
  isWhole: boolean,
): readonly [data: string, trailers: string] | undefined {
  const reader = new ChunkedReader(true)
  let data = ''
  const sink = {
    onBodyData: (bytes: Buffer) => {
      data += bytes.toString('latin1')
    },
  }
  reader.start()
  for (const piece of isWhole ? [text] : text) {
    reader.push(Buffer.from(piece, 'latin1'), 0, sink)
    if (reader.isFailed) return undefined
  }
  if (!reader.isDone) throw new Error('the body does not end')
  return [data, reader.trailers]
}

const last = '0\r\n\r\n'
const hello = `5\r\nhello\r\n`
const cases = [
  { text: `5 \t\r\nhello\r\n0 \r\n\r\n`, why: 'white space behind the size' },
  { text: `5${' '.repeat(300)}\r\nhello\r\n${last}`, why: 'a lot of it' },
  { text: `5\nhello\r\n0\n\r\n`, why: 'a bare LF behind the size' },
  { text: `5;a=b \nhello\r\n${last}`, why: 'or behind an extension' },
  { text: `5;\r\nhello\r\n${last}`, why: 'no extension' },
  { text: `5;a = b\r\nhello\r\n${last}`, why: 'white space in one, as RFC 9112 §7.1.1 has it' },
  { text: `5;a="b\r\nhello\r\n${last}`, why: 'an open quote' },
  { text: `5; = [x] /\0\x01\xe9\r\nhello\r\n${last}`, why: 'whatever it is, nobody reads it' },
  { text: `5;s=${'x'.repeat(4000)}\r\nhello\r\n${last}`, why: 'the signature of an object store' },
  { text: `${hello}0\r\nX[]: 1\r\nA: 1\r\n\r\n`, trailers: 'A: 1\r\n', why: 'no token: left out' },
  {
    text: `${hello}0\r\nX: 1\x01\r\nA: 1\r\n\r\n`,
    trailers: 'A: 1\r\n',
    why: 'a control: left out',
  },
  { text: `${hello}0\r\nX: 1\r\n\t2\r\n 3\r\nA: 1\r\n\r\n`, trailers: 'A: 1\r\n', why: 'folded' },
  {
    text: `${hello}0\r\nA: 1\r\nHost: x\r\n y\r\n\r\n`,
    trailers: 'A: 1\r\n',
    why: 'a folded one that is dropped',
  },
  { text: `${hello}0\r\nA: 1\r\nX[]: x\r\n y\r\n\r\n`, trailers: 'A: 1\r\n', why: 'both' },
]

for (const { text, trailers = '', why } of cases) {
  t.test(`${JSON.stringify(text.slice(0, 40))} is read: ${why}`, async (t) => {
    t.strictSame(read(text, true), ['hello', trailers])
    t.strictSame(read(text, false), ['hello', trailers], 'byte by byte')
  })
}

const refused = [
  { text: ' 5\r\nhello\r\n', why: 'white space in front' },
  { text: '5 x\r\nhello\r\n', why: 'a word behind the size' },
  { text: '5\x0b\r\nhello\r\n', why: 'other white space' },
  { text: '0x5\r\nhello\r\n', why: 'a prefix' },
  { text: '\r\nhello\r\n', why: 'no size' },
  { text: '5\r\r\nhello\r\n', why: 'two CRs' },
  { text: '5;a\rb\r\nhello\r\n', why: 'a bare CR in an extension' },
  { text: `5;${'x'.repeat(4095)}\r\nhello\r\n`, why: 'a line of more than 4 KiB' },
  { text: `${`1;${'a'.repeat(100)}\nx\r\n`.repeat(165)}`, why: 'CVE-2023-39326' },
  { text: '5\r\nhello\n0\r\n', why: 'a bare LF behind the data: Caddy cuts the body there' },
  { text: '5\r\nhello0\r\n', why: 'no line end behind the data' },
  { text: `${hello}0\r\nX: 1\n\r\n`, why: 'a bare LF in the trailers' },
  { text: `${hello}0\r\n\n`, why: 'or behind them' },
  { text: `${hello}0\r\ngarbage\r\n\r\n`, why: 'a trailer without a colon' },
  { text: `${hello}0\r\nX : 1\r\n\r\n`, why: 'white space in front of its colon' },
  { text: `${hello}0\r\n: 1\r\n\r\n`, why: 'no name' },
  { text: `${hello}0\r\nX\xe9: 1\r\n\r\n`, why: 'a byte above 0x7f in the name' },
  { text: `${hello}0\r\nX: 1\r2\r\n\r\n`, why: 'a bare CR' },
  { text: `${hello}0\r\n X: 1\r\n\r\n`, why: 'a fold of nothing' },
]

for (const { text, why } of refused) {
  t.test(`${JSON.stringify(text.slice(0, 40))} stays refused: ${why}`, async (t) => {
    t.equal(read(text, true), undefined)
    t.equal(read(text, false), undefined, 'byte by byte')
  })
}
