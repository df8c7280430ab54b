// Keys of the ConfigMap about errors.
import { parseErrorStatuses } from '../annotations/nginx-errors.ts'
import { parseBool } from '../annotations/values.ts'
import { type ConfigMapRow, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

export const errorRows: readonly ConfigMapRow[] = [
  supportedKey(
    'custom-http-errors',
    'statuses, comma separated',
    '',
    'Responses with these statuses are replaced on all routes, as the annotation says.',
    orEmpty(parseErrorStatuses, []),
    (customErrors) => ({ customErrors }),
  ),
  supportedKey(
    'disable-proxy-intercept-errors',
    'bool',
    'false',
    'Responses of applications pass as they are; `custom-http-errors` count for those of Weir’s own only.',
    parseBool,
    (passesErrors) => ({ passesErrors }),
  ),
]
