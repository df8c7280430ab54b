// For tests: one request head, given as lines, read as the engine reads it.
import type { HeadLimits } from '../../http/head-limits.ts'
import { readRequestHead } from '../read-request-head.ts'
import { Http1RequestHead } from '../request-head.ts'

/** The limits of Weir's defaults. */
export const usualLimits: HeadLimits = { maxLineBytes: 16384, maxHeadBytes: 65536, maxFields: 1000 }

/** Reads a head whose lines are joined by CRLF; a string is the code of its refusal. */
export function readLines(
  lines: readonly string[],
  limits = usualLimits,
): Http1RequestHead | string {
  const head = new Http1RequestHead()
  return readRequestHead(`${lines.join('\r\n')}\r\n\r\n`, limits, head) ?? head
}
