// Sizes of buffers in the words of ingress-nginx 1.15: which of them a client or an application can notice, and which not.

import type { Limits } from '../../backend.ts'
import { parseInteger } from './nginx-limits.ts'
import { type Row, type SupportedRow, supported } from './row.ts'
import { limitTo } from './settings.ts'
import { parseChoice, parseSize } from './values.ts'

/** Parses `on` or `off`. */
export const parseSwitch = parseChoice({ on: true, off: false })

/** Makes a row for what nobody outside of nginx notices: its value is read, and nothing follows. */
function tuning(
  key: string,
  value: string,
  meaning: string,
  parse: Parameters<typeof supported>[3],
): SupportedRow {
  return supported(key, value, `Accepted, without effect: ${meaning}`, parse, () => ({}))
}

const leastMemory = 64 << 10
const mostMemory = 1 << 20

/** How many bytes of a request body are kept in memory: the rest goes into a file. */
export function memoryFor(bufferSize: number): number {
  return Math.min(mostMemory, Math.max(leastMemory, bufferSize))
}

/** Gathers bodies, or lets them go on as they come. */
export function gatherBodies(isOn: boolean, limits: Limits): Limits {
  return isOn
    ? { ...limits, bufferBytes: limits.bufferBytes || leastMemory, spills: true }
    : { ...limits, bufferBytes: 0, spills: false }
}

/** The rows of buffers. */
export const bufferRows: readonly Row[] = [
  supported(
    'proxy-request-buffering',
    '`on`, `off`',
    'Request bodies are gathered before the endpoint is chosen, so that a slow client holds none and a failed attempt can be made again. Differs: `off` when absent without `--like`; where the system’s folder for temporary files cannot be written, bodies that are too large for memory go on as they come.',
    parseSwitch,
    (isOn, { limits }) => ({ limits: gatherBodies(isOn, limits) }),
  ),
  supported(
    'client-body-buffer-size',
    '`64k`, `1m`',
    'So much of a gathered body is kept in memory, the rest in a temporary file. Differs: 64k at least, 1m at most.',
    parseSize,
    (size, { limits }) =>
      limits.spills === true ? { limits: { ...limits, bufferBytes: memoryFor(size) } } : {},
  ),
  supported(
    'proxy-buffer-size',
    '`4k`, `16k`',
    'Largest head of a response; a larger one gets 502 (`response-head-too-large`). Differs: never more than `--max-head-bytes`, and without `--like` there is no smaller limit when absent.',
    parseSize,
    limitTo('responseHeadBytes'),
  ),
  tuning('proxy-buffering', '`on`, `off`', 'responses are streamed.', parseSwitch),
  tuning('proxy-buffers-number', 'int', 'responses are streamed.', parseInteger),
  tuning('proxy-busy-buffers-size', 'size', 'responses are streamed.', parseSize),
  tuning('proxy-max-temp-file-size', 'size', 'responses are never written to files.', parseSize),
]
