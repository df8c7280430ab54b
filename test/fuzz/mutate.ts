// How is a valid message spoiled? Few small steps, so that most of it still means something to a parser.
import type { Random } from './random.ts'

// What parsers stumble over: line ends, white space, numbers, and words with a meaning of their own.
const words = [
  ...[
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '=',
    '"',
    '\\',
    '_',
    '-',
    '/',
  ],
  ...['0', '1', '5', 'f', '0x', '+', '\x7f', '\x80', '\xff', '\x0b', '\x1f', '%', '%2e', '..', '*'],
  ...['Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n'],
  ...['Transfer-Encoding: identity\r\n', 'Connection: close\r\n', 'Connection: keep-alive\r\n'],
  ...['Host: a.test\r\n', 'Host: b.test\r\n', 'Expect: 100-continue\r\n', 'X: y\r\n', ' z\r\n'],
  ...['Connection: Content-Length\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n'],
  ...['0\r\n\r\n', '5\r\nhello\r\n', '1;a=b\r\nx\r\n', 'HTTP/1.1', 'HTTP/1.0', 'GET ', 'HEAD '],
  ...[
    'GET /late HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'TE: trailers\r\n',
    'Keep-Alive: timeout=1\r\n',
  ],
]

/** Makes one to five changes to `text`; `others` lend their parts. */
export function mutate(text: string, others: readonly string[], random: Random): string {
  let mutated = text
  const steps = 1 + random.below(random.oneIn(4) ? 5 : 2)
  for (let step = 0; step < steps; step += 1) mutated = change(mutated, others, random)
  return mutated
}

function change(text: string, others: readonly string[], random: Random): string {
  const at = random.below(text.length + 1)
  const end = Math.min(text.length, at + 1 + random.below(random.oneIn(4) ? 64 : 4))
  switch (random.below(8)) {
    case 0:
      return text.slice(0, at) + flip(text.charCodeAt(at), random) + text.slice(at + 1)
    case 1:
    case 2:
      return text.slice(0, at) + random.pick(words) + text.slice(at)
    case 3:
      return text.slice(0, at) + text.slice(end)
    case 4:
      return text.slice(0, end) + text.slice(at, end).repeat(1 + random.below(4)) + text.slice(end)
    case 5: {
      const other = random.pick(others)
      return text.slice(0, at) + other.slice(random.below(other.length))
    }
    case 6:
      return text.slice(0, at)
    default: {
      // Between lines, where whole words are read.
      const line = text.lastIndexOf('\r\n', at) + 2
      return line < 2 ? text : text.slice(0, line) + random.pick(words) + text.slice(line)
    }
  }
}

function flip(code: number, random: Random): string {
  const byte = Number.isNaN(code) ? 0 : code
  return String.fromCharCode(random.oneIn(2) ? byte ^ (1 << random.below(8)) : random.below(256))
}

/** Cuts a text into one to six writes. */
export function cutAnywhere(text: string, random: Random): string[] {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(text.length + 1))
  const borders = [0, ...cuts, text.length].toSorted((one, two) => one - two)
  return borders
    .slice(1)
    .map((end, index) => text.slice(borders[index] ?? 0, end))
    .filter((piece) => piece !== '')
}
