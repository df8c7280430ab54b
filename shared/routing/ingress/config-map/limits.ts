// Keys of the ConfigMap that say what clients get who come too fast, and how fast responses go.
import { parseWhole } from '../annotations/filter-values.ts'
import { type ConfigMapRow, supportedKey } from './row.ts'

const parseStatus = parseWhole(400, 599)
const parseKilobytes = parseWhole(0, 2 ** 31)

export const limitRows: readonly ConfigMapRow[] = [
  supportedKey(
    'limit-req-status-code',
    '400 to 599',
    '503',
    'Status of requests beyond `limit-rps` and `limit-rpm`.',
    parseStatus,
    (rateStatus) => ({ rateStatus }),
  ),
  supportedKey(
    'limit-conn-status-code',
    '400 to 599',
    '503',
    'Status of requests beyond `limit-connections`.',
    parseStatus,
    (connectionsStatus) => ({ connectionsStatus }),
  ),
  supportedKey(
    'limit-rate',
    'KiB per second; 0: no limit',
    '0',
    'A response body is sent no faster than this, where no annotation says otherwise.',
    parseKilobytes,
    (limitRate) => ({ limitRate }),
  ),
  supportedKey(
    'limit-rate-after',
    'KiB',
    '0',
    'So much of a body is sent before `limit-rate` counts.',
    parseKilobytes,
    (limitRateAfter) => ({ limitRateAfter }),
  ),
]
