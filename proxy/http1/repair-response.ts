// What did an upstream mean whose head is not quite as RFC 9112 writes it? Makes a strict head of it where nothing is doubtful.
//
// Each repair is of something that nginx, HAProxy and Caddy all serve and that leaves it clear where the response ends;
// docs/http.md lists them with their reasons.
// Invariant: what comes out is judged by the reader that judges every head, so nothing is served that it refuses.
import type { HeadLimits } from '../http/head-limits.ts'
import { type Http1ResponseHead, readResponseHead } from './response-head.ts'

/** A first line that can become one of a response, without its line end. */
export const sloppyStatusLine = /^HTTP\/1\.\d [1-9]\d\d(?: [^\r\n]*)?$/

/** A head made strict, and how many chars of what came it stands for. */
export interface RepairedHead {
  readonly text: string
  readonly length: number
}

/**
 * Reads a head at the front of `text` into `head`, as the answer to a request with `method`, repaired where it must be.
 * Returns how many chars it takes, or 0 when it is malformed or its framing is doubtful.
 */
export function readAnyResponseHead(
  text: string,
  method: string,
  limits: HeadLimits,
  head: Http1ResponseHead,
): number {
  if (readResponseHead(text, method, limits, head)) return text.length
  const repaired = repairResponseHead(text)
  if (repaired === undefined) return 0
  return readResponseHead(repaired.text, method, limits, head) ? repaired.length : 0
}

/** Repairs the head at the front of `text`; undefined when where it or one of its lines ends is doubtful. */
export function repairResponseHead(text: string): RepairedHead | undefined {
  const end = /\n\r?\n/.exec(text)
  if (end === null) return undefined
  const lines = text
    .slice(0, end.index)
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  // A CR within a line ends it for some.
  if (lines.some((line) => line.includes('\r'))) return undefined
  const [first = '', ...fields] = lines
  const strict = [repairStatusLine(first), ...repairFields(fields), '', ''].join('\r\n')
  return { text: strict, length: end.index + end[0].length }
}

/** The reason phrase is for people (RFC 9112 §4): no byte of it may matter. */
function repairStatusLine(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  const controls = /[\0-\x08\x0b-\x1f\x7f]/g
  return line.slice(0, reasonAt) + line.slice(reasonAt).replace(controls, ' ')
}

const reasonAt = 'HTTP/1.1 200 '.length

function repairFields(lines: readonly string[]): readonly string[] {
  const repaired: string[] = []
  let length: string | undefined
  for (const line of lines) {
    const colon = line.indexOf(':')
    const value = line.slice(colon + 1)
    switch (line.slice(0, colon).toLowerCase()) {
      case 'content-length': {
        const said = value.replace(/^[\t ]+|[\t ]+$/g, '')
        // RFC 9110 §8.6: the same length said twice is one; another one is left for the reader to refuse.
        if (said === length) continue
        length = said
        repaired.push(`Content-Length: ${said.replace(/^0+(?=\d)/, '')}`)
        break
      }
      case 'transfer-encoding':
        repaired.push(line)
        break
      default:
        repaired.push(line.slice(0, colon + 1) + withoutControls(value))
    }
  }
  return repaired
}

/** RFC 9110 §5.5: a control byte becomes a space. NUL is left for the reader to refuse: nginx does. */
function withoutControls(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return value.replace(/[\x01-\x08\x0b-\x1f\x7f]/g, ' ')
}
