// ingress-nginx's annotations for balance and retries, in Weir's words.
import type { Balance, RetryCondition, RetryRules, StatusRange } from '../../backend.ts'
import { faultOfRequestKey, type RequestKey } from '../../request-key.ts'
import { parseWhole } from './filter-values.ts'
import { type Row, supported } from './row.ts'
import { ask, retryWith } from './settings.ts'
import { accept, type Parsed, parseChoice, refuse, splitList } from './values.ts'

const variables = new Map<string, RequestKey>([
  ['request_uri', { from: 'uri' }],
  ['uri', { from: 'path' }],
  ['host', { from: 'host' }],
  ['http_host', { from: 'host' }],
  ['remote_addr', { from: 'address' }],
  ['binary_remote_addr', { from: 'address' }],
])

/** Parses one variable of nginx, such as `$request_uri`, `$http_x_user`, `$cookie_sid` or `${arg_user}`. */
export function parseHashVariable(text: string): Parsed<RequestKey> {
  const [, plain, braced] = /^\$(?:(\w+)|\{(\w+)\})$/.exec(text) ?? []
  const variable = plain ?? braced ?? ''
  const known = variables.get(variable)
  if (known !== undefined) return accept(known)
  const [, kind, name = ''] = /^(http|cookie|arg)_(\w+)$/.exec(variable) ?? []
  switch (kind ?? '') {
    case 'http': {
      const key: RequestKey = { from: 'header', name: name.toLowerCase().replaceAll('_', '-') }
      const fault = faultOfRequestKey(key)
      return fault === undefined ? accept(key) : refuse(`cannot be used: ${fault}`)
    }
    case 'cookie':
      return accept({ from: 'cookie', name })
    case 'arg':
      return accept({ from: 'query', name })
    default:
      return refuse(
        'must be one of $request_uri, $uri, $host, $remote_addr, $http_NAME, $cookie_NAME, $arg_NAME',
      )
  }
}

const conditions = new Map<string, readonly RetryCondition[]>([
  ['error', ['connect-failure', 'refused', 'reset']],
  ['timeout', ['connect-failure', 'timeout']],
])

/** Parses `error timeout http_502 non_idempotent`, or `off`. */
export function parseNextUpstream(text: string): Parsed<Partial<RetryRules>> {
  const words = splitList(text.toLowerCase())
  if (words.length === 1 && words[0] === 'off')
    return accept({ on: [], statuses: [], maxRetries: 0 })
  const on = new Set<RetryCondition>()
  const statuses: StatusRange[] = []
  for (const word of words) {
    const [, digits] = /^http_([45]\d\d)$/.exec(word) ?? []
    for (const condition of conditions.get(word) ?? []) on.add(condition)
    if (digits !== undefined) statuses.push({ from: Number(digits), to: Number(digits) })
    else if (word !== 'non_idempotent' && !conditions.has(word)) {
      return refuse('must be off, or of: error, timeout, http_500 and the like, non_idempotent')
    }
  }
  const allMethods = words.includes('non_idempotent')
  return words.length === 0 ? refuse('is empty') : accept({ on: [...on], statuses, allMethods })
}

const balances: Readonly<Record<string, Balance>> = {
  round_robin: { kind: 'round-robin' },
  ewma: { kind: 'peak-ewma' },
}

/** The rows of balance and retries. */
export const balanceRows: readonly Row[] = [
  supported(
    'load-balance',
    '`round_robin`, `ewma`',
    'How an endpoint is chosen; `ewma` is `weir.dev/balance: peak-ewma`.',
    parseChoice(balances),
    ask('balance', (balance: Balance) => balance),
  ),
  supported(
    'upstream-hash-by',
    '`$request_uri`, `$uri`, `$host`, `$remote_addr`, `$http_NAME`, `$cookie_NAME`, `$arg_NAME`',
    'Requests with the same value go to the same endpoint. One variable; texts around it and other variables are not supported.',
    parseHashVariable,
    ask('balance', (key: RequestKey): Balance => ({ kind: 'hash', key })),
  ),
  supported(
    'proxy-next-upstream',
    '`error`, `timeout`, `http_500` and the like, `non_idempotent`, `off`',
    'When a request is made again at another endpoint, within the retry budget. Differs: `invalid_header` is not supported, and a request whose body is gone is not made again.',
    parseNextUpstream,
    retryWith((rules) => rules),
  ),
  supported(
    'proxy-next-upstream-tries',
    '0 to 10',
    'How often a request is made in all; 0 leaves `--retries`.',
    parseWhole(0, 10),
    (tries: number, draft) =>
      tries === 0 ? {} : retryWith((maxRetries: number) => ({ maxRetries }))(tries - 1, draft),
  ),
]
