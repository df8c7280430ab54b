// ingress-nginx's annotations for balance and retries, in Weir's words.
import type { Balance, RetryCondition, RetryRules, StatusRange } from '../../backend.ts'
import { faultOfRequestKey, type RequestKey } from '../../request-key.ts'
import type { HashKey, TextPart } from '../../request-text.ts'
import type { Draft } from './draft.ts'
import { parseWhole } from './filter-values.ts'
import { type Row, supported } from './row.ts'
import { ask, retryWith } from './settings.ts'
import { accept, type Parsed, parseBool, parseChoice, refuse, splitList } from './values.ts'

const properties = new Map<string, RequestKey>([
  ['request_uri', { from: 'uri' }],
  ['uri', { from: 'path' }],
  ['host', { from: 'host' }],
  ['http_host', { from: 'host' }],
  ['server_name', { from: 'host' }],
  ['remote_addr', { from: 'address' }],
  ['binary_remote_addr', { from: 'address' }],
])
const others = new Map<string, TextPart>([
  ['args', { from: 'query-string' }],
  ['query_string', { from: 'query-string' }],
  ['request_method', { from: 'method' }],
  ['scheme', { from: 'scheme' }],
])
const known =
  '$request_uri, $uri, $args, $host, $remote_addr, $request_method, $scheme, $http_NAME, $cookie_NAME, $arg_NAME'

/** Reads the name of a variable of nginx, without its `$`. */
function parseVariable(variable: string): Parsed<RequestKey> {
  const property = properties.get(variable)
  if (property !== undefined) return accept(property)
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
      return refuse(`has the variable $${variable}, which is none of ${known}`)
  }
}

/** Parses variables of nginx and texts around them: `$request_uri`, `$request_uri$host`, `${http_x_user}-text`. */
export function parseHashText(text: string): Parsed<HashKey> {
  // What ingress-nginx lets through.
  if (!/^[A-Za-z0-9\-_${}]+$/.test(text)) {
    return refuse(`must be made of letters, digits, - and _ and of ${known}`)
  }
  const parts: TextPart[] = []
  let property: RequestKey | undefined
  for (const [part, braced, plain] of text.matchAll(/\$\{(\w+)\}|\$(\w+)|\$|[^$]+/g)) {
    const variable = braced ?? plain
    const other = variable === undefined ? part : others.get(variable)
    if (other !== undefined) {
      parts.push(other)
      continue
    }
    const result = parseVariable(variable ?? '')
    if (!result.ok) return result
    property = result.value
    parts.push(property)
  }
  return accept(parts.length === 1 && property !== undefined ? property : { from: 'text', parts })
}

const conditions = new Map<string, readonly RetryCondition[]>([
  ['error', ['connect-failure', 'refused', 'reset']],
  ['timeout', ['connect-failure', 'timeout']],
  ['invalid_header', ['malformed']],
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
      return refuse(
        'must be off, or of: error, timeout, invalid_header, http_500 and the like, non_idempotent',
      )
    }
  }
  const allMethods = words.includes('non_idempotent')
  return words.length === 0 ? refuse('is empty') : accept({ on: [...on], statuses, allMethods })
}

/** By nginx's words. */
export const balances: Readonly<Record<string, Balance>> = {
  round_robin: { kind: 'round-robin' },
  ewma: { kind: 'peak-ewma' },
}

const subsetSize = 3
const maxTries = 1_000_000_000
const maxSeconds = 2_000_000

/** Gives each value so many endpoints. Without a value to go by there is nothing to do. */
function inSubsets(subset: number, { backend }: Draft): Partial<Draft> {
  const { balance } = backend
  return balance?.kind === 'hash'
    ? { backend: { ...backend, balance: { ...balance, subset } } }
    : {}
}

/** ingress-nginx counts the first try, too. */
export function triesOf(tries: number): Pick<RetryRules, 'maxRetries'> {
  return { maxRetries: tries === 0 ? maxTries : tries - 1 }
}

/** In how many seconds the last try begins. */
export function timeOf(seconds: number): Pick<RetryRules, 'withinMs'> {
  return { withinMs: seconds * 1000 }
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
    '`$request_uri`, `$uri`, `$args`, `$host`, `$remote_addr`, `$request_method`, `$scheme`, `$http_NAME`, `$cookie_NAME`, `$arg_NAME`, with texts around',
    'Requests with the same value go to the same endpoint, and few values move when endpoints come or go. Differs: requests without any value go in turn; other variables are not supported.',
    parseHashText,
    ask('balance', (key: HashKey): Balance => ({ kind: 'hash', key })),
  ),
  supported(
    'upstream-hash-by-subset',
    'bool',
    'With `upstream-hash-by`: a value has several endpoints, and each of its requests goes to one of them at random.',
    parseBool,
    (isOn, draft) => (isOn ? inSubsets(subsetSize, draft) : {}),
  ),
  supported(
    'upstream-hash-by-subset-size',
    '0 to 1000',
    'How many endpoints a value has with `upstream-hash-by-subset`; 3 when absent or 0.',
    parseWhole(0, 1000),
    (size: number, draft) => {
      const { balance } = draft.backend
      const isOn = balance?.kind === 'hash' && balance.subset !== undefined
      return isOn ? inSubsets(size === 0 ? subsetSize : size, draft) : {}
    },
  ),
  supported(
    'service-upstream',
    'bool',
    'Requests go to the address of the Service (its clusterIP), and Kubernetes finds an endpoint. Affinity, balance and retries have no effect then. A Service without such an address keeps its endpoints, and that is reported.',
    parseBool,
    (viaService) => ({ viaService }),
  ),
  supported(
    'proxy-next-upstream',
    '`error`, `timeout`, `invalid_header`, `http_500` and the like, `non_idempotent`, `off`',
    'When a request is made again at another endpoint, within the retry budget. Differs: no endpoint is asked twice, and a request whose body is gone is not made again.',
    parseNextUpstream,
    retryWith((rules) => rules),
  ),
  supported(
    'proxy-next-upstream-tries',
    'int',
    'How often a request is made in all; 0: at each endpoint once.',
    parseWhole(0, maxTries),
    (tries: number, draft) => retryWith(triesOf)(tries, draft),
  ),
  supported(
    'proxy-next-upstream-timeout',
    'seconds; 0: no limit',
    'A request is not made again later than this after its begin.',
    parseWhole(0, maxSeconds),
    (seconds: number, draft) => retryWith(timeOf)(seconds, draft),
  ),
]
