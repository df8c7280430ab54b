// Keys of the ConfigMap about nginx's buffers: which of them a client or an application can notice, and which not.
import { gatherBodies, memoryFor, parseSwitch } from '../annotations/nginx-buffers.ts'
import { parseInteger } from '../annotations/nginx-limits.ts'
import { type Parser, parseSize } from '../annotations/values.ts'
import { type ConfigMapRow, differs, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

/** Makes a row for what nobody outside of nginx notices: its value is read, and nothing follows. */
function tuning<T>(key: string, value: string, initial: string, parse: Parser<T>): ConfigMapRow {
  const meaning = 'Accepted, without effect: responses are streamed.'
  return supportedKey(
    key,
    value,
    initial,
    meaning,
    orEmpty<T | undefined>(parse, undefined),
    () => ({}),
  )
}

export const bufferRows: readonly ConfigMapRow[] = [
  supportedKey(
    'proxy-request-buffering',
    '`on`, `off`',
    'on',
    'Request bodies are gathered before the endpoint is chosen, so that a slow client holds none and a failed attempt can be made again. Where the system’s folder for temporary files cannot be written, those too large for memory go on as they come.',
    parseSwitch,
    (isOn, { limits = {} }) => ({ limits: gatherBodies(isOn, limits) }),
  ),
  differs(
    supportedKey(
      'client-body-buffer-size',
      '`64k`, `1m`',
      '8k',
      'So much of a gathered body is kept in memory, the rest in a temporary file. Differs: 64k at least, 1m at most.',
      parseSize,
      (size, { limits = {} }) =>
        limits.spills === true ? { limits: { ...limits, bufferBytes: memoryFor(size) } } : {},
    ),
  ),
  supportedKey(
    'proxy-buffer-size',
    '`4k`, `16k`',
    '4k',
    'Largest head of a response; a larger one gets 502.',
    parseSize,
    (responseHeadBytes, { limits }) => ({ limits: { ...limits, responseHeadBytes } }),
  ),
  tuning('proxy-buffering', '`on`, `off`', 'off', parseSwitch),
  tuning('proxy-buffers-number', 'int', '4', parseInteger),
  tuning('proxy-busy-buffers-size', 'size', '', parseSize),
  tuning('proxy-max-temp-file-size', 'size', '1024m', parseSize),
]
