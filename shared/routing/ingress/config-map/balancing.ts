// Keys of the ConfigMap that say which endpoint a request goes to, and when it goes to another one.
import type { RetryRules } from '../../backend.ts'
import { parseWhole } from '../annotations/filter-values.ts'
import { balances, parseNextUpstream, timeOf, triesOf } from '../annotations/nginx-balance.ts'
import { parseBool, parseChoice } from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, differs, supportedKey } from './row.ts'

const nginxRetry: RetryRules = {
  on: ['connect-failure', 'refused', 'reset', 'timeout'],
  statuses: [],
  allMethods: false,
}

/** Changes when requests of all routes are made again. */
function retryWith<T>(change: (value: T) => Partial<RetryRules>) {
  return (value: T, { retry = nginxRetry }: IngressDefaults): Partial<IngressDefaults> => ({
    retry: { ...retry, ...change(value) },
  })
}

export const balancingRows: readonly ConfigMapRow[] = [
  supportedKey(
    'load-balance',
    '`round_robin`, `ewma`',
    'round_robin',
    'How an endpoint is chosen.',
    parseChoice(balances),
    (balance) => (balance.kind === 'round-robin' ? {} : { balance }),
  ),
  supportedKey(
    'service-upstream',
    'bool',
    'false',
    'Requests go to the addresses of Services; an annotation of an Ingress takes its place.',
    parseBool,
    (serviceUpstream) => ({ serviceUpstream }),
  ),
  differs(
    supportedKey(
      'proxy-next-upstream',
      '`error`, `timeout`, `invalid_header`, `http_500` and the like, `non_idempotent`, `off`',
      'error timeout',
      'When a request is made again at another endpoint. Differs: within the retry budget, and no endpoint is asked twice.',
      parseNextUpstream,
      retryWith((rules) => rules),
    ),
  ),
  supportedKey(
    'proxy-next-upstream-tries',
    'int',
    '3',
    'How often a request is made in all; 0: at each endpoint once.',
    parseWhole(0, 1_000_000_000),
    retryWith(triesOf),
  ),
  supportedKey(
    'proxy-next-upstream-timeout',
    'seconds; 0: no limit',
    '0',
    'A request is not made again later than this after its begin.',
    parseWhole(0, 2_000_000),
    retryWith(timeOf),
  ),
  supportedKey(
    'retry-non-idempotent',
    'bool',
    'false',
    'Also POST and PATCH are made again: applications may see them twice.',
    parseBool,
    retryWith((allMethods) => (allMethods ? { allMethods } : {})),
  ),
]
