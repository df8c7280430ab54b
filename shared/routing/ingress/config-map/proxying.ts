// Keys of the ConfigMap that say how requests are passed on: redirects to https, sizes, times, who may come.
import { parseBool, parseChoice, parseSeconds, parseSize } from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, guardedKey, heldBy, supportedKey } from './row.ts'
import { optionalCidrs, parseBlocks, parseWords } from './values.ts'

const httpRedirectCodes = { 301: 301, 302: 302, 307: 307, 308: 308 } as const

/** Changes one limit of all routes. */
function limitTo(name: keyof NonNullable<IngressDefaults['limits']>) {
  return (value: number, { limits }: IngressDefaults): Partial<IngressDefaults> => ({
    limits: { ...limits, [name]: value },
  })
}

export const proxyingRows: readonly ConfigMapRow[] = [
  guardedKey(
    'ssl-redirect',
    'bool',
    'true',
    'Clients that came by http are sent to https where `spec.tls` covers the host.',
    parseBool,
    (sslRedirect) => ({ sslRedirect }),
  ),
  guardedKey(
    'force-ssl-redirect',
    'bool',
    'false',
    'Clients that came by http are sent to https, with `spec.tls` and without.',
    parseBool,
    (forceSslRedirect) => ({ forceSslRedirect }),
  ),
  supportedKey(
    'http-redirect-code',
    '301, 302, 307, 308',
    '308',
    'Status of redirects to https and to the other name of `from-to-www-redirect`.',
    parseChoice(httpRedirectCodes),
    (sslRedirectStatus) => ({ sslRedirectStatus }),
  ),
  supportedKey(
    'proxy-body-size',
    '`512k`, `8m`, `1g`; 0: no limit',
    '1m',
    'A larger request body gets 413.',
    parseSize,
    limitTo('maxBodyBytes'),
  ),
  heldBy(
    'connect-timeout-ms',
    supportedKey(
      'proxy-connect-timeout',
      'seconds',
      '5',
      'Time to connect to an endpoint.',
      parseSeconds,
      limitTo('connectMs'),
    ),
  ),
  heldBy(
    'response-timeout-ms',
    supportedKey(
      'proxy-read-timeout',
      'seconds',
      '60',
      'Time to the response head, and between two reads of the response body.',
      parseSeconds,
      limitTo('readMs'),
    ),
  ),
  heldBy(
    'response-timeout-ms',
    supportedKey(
      'proxy-send-timeout',
      'seconds',
      '60',
      'Time between two writes of the request body.',
      parseSeconds,
      limitTo('sendMs'),
    ),
  ),
  guardedKey(
    'annotation-value-word-blocklist',
    'words, separated by commas',
    '',
    'An Ingress with one of these words in the value of an `nginx.ingress.kubernetes.io/` annotation is not served.',
    parseWords,
    (forbiddenWords) => ({ forbiddenWords }),
  ),
  guardedKey(
    'block-user-agents',
    'texts and patterns (`~…`, `~*…`), separated by commas',
    '',
    'Clients whose User-Agent is one of these get 403. Patterns are RE2.',
    parseBlocks,
    (userAgents, { blockedClients }) => ({ blockedClients: { ...blockedClients, userAgents } }),
  ),
  guardedKey(
    'block-referers',
    'texts and patterns (`~…`, `~*…`), separated by commas',
    '',
    'Requests whose Referer is one of these get 403. Patterns are RE2.',
    parseBlocks,
    (referers, { blockedClients }) => ({ blockedClients: { ...blockedClients, referers } }),
  ),
  guardedKey(
    'block-cidrs',
    'CIDRs',
    '',
    'These client addresses get 403 on all routes.',
    optionalCidrs,
    (blocked) => ({ blocked }),
  ),
  guardedKey(
    'whitelist-source-range',
    'CIDRs',
    '',
    'Only these client addresses may use routes whose Ingress has no list of its own; others get 403.',
    optionalCidrs,
    (allow) => ({ allow }),
  ),
  guardedKey(
    'denylist-source-range',
    'CIDRs',
    '',
    'These client addresses get 403 on routes whose Ingress has no list of its own.',
    optionalCidrs,
    (deny) => ({ deny }),
  ),
]
