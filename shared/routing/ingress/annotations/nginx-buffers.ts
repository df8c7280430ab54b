// Sizes of buffers in the words of ingress-nginx 1.15: which of them a client or an application can notice, and which not.

import { parseInteger } from './nginx-limits.ts'
import { emptyIsAbsent, type Row, type SupportedRow, supported } from './row.ts'
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
  return emptyIsAbsent(
    supported(key, value, `Accepted, without effect: ${meaning}`, parse, () => ({})),
  )
}

/** The rows of buffers. */
export const bufferRows: readonly Row[] = [
  emptyIsAbsent(
    supported(
      'proxy-buffer-size',
      '`4k`, `16k`',
      'Largest head of a response; a larger one gets 502 (`response-head-too-large`). Differs: never more than `--max-head-bytes`, and without `--like` there is no smaller limit when absent.',
      parseSize,
      limitTo('responseHeadBytes'),
    ),
  ),
  tuning('proxy-buffering', '`on`, `off`', 'responses are streamed.', parseSwitch),
  tuning('proxy-buffers-number', 'int', 'responses are streamed.', parseInteger),
  tuning('proxy-busy-buffers-size', 'size', 'responses are streamed.', parseSize),
  tuning('proxy-max-temp-file-size', 'size', 'responses are never written to files.', parseSize),
]
