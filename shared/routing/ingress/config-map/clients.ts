// Keys of the ConfigMap about clients and connections: who is believed, what upstreams are told, how long is waited.
import { isTrustedFieldWord } from '../../../trusted-fields.ts'
import type { ServingRules } from '../../serving-rules.ts'
import {
  accept,
  type Parser,
  parseBool,
  parseCidrs,
  parseSeconds,
  refuse,
} from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, differs, guardedKey, heldBy, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

/** Changes one rule for all requests. */
function serve<K extends keyof ServingRules>(name: K) {
  return (value: ServingRules[K], { serving }: IngressDefaults): Partial<IngressDefaults> => ({
    serving: { ...serving, [name]: value },
  })
}

const parseClaim: Parser<string> = (text) =>
  /^[A-Za-z-]+$/.test(text) && isTrustedFieldWord(text)
    ? accept(text.toLowerCase())
    : refuse(
        'must be X-Forwarded-For or another field in which proxies tell the address of a client',
      )

const not =
  (change: (value: boolean, defaults: IngressDefaults) => Partial<IngressDefaults>) =>
  (value: boolean, defaults: IngressDefaults) =>
    change(!value, defaults)

const everybody = ['0.0.0.0/0', '::/0']

export const clientRows: readonly ConfigMapRow[] = [
  differs(
    guardedKey(
      'use-forwarded-headers',
      'bool',
      'false',
      'X-Forwarded-For, -Proto, -Host and -Port are believed. Differs: of peers in `proxy-real-ip-cidr` only; peers of `--trusted-proxies` are believed either way.',
      parseBool,
      serve('believesForwarded'),
    ),
  ),
  differs(
    guardedKey(
      'enable-real-ip',
      'bool',
      'false',
      'The client’s address is read from `forwarded-for-header`, of peers in `proxy-real-ip-cidr`. Differs: several addresses of which all are believed give the left-most, of any the right-most that is not.',
      parseBool,
      serve('believesAddress'),
    ),
  ),
  guardedKey(
    'proxy-real-ip-cidr',
    'CIDRs',
    '0.0.0.0/0',
    'The peers that `use-forwarded-headers` and `enable-real-ip` believe. `0.0.0.0/0` means everybody, by IPv6 as well.',
    orEmpty(parseCidrs, everybody),
    (networks, defaults) =>
      serve('believedNetworks')(networks.join() === '0.0.0.0/0' ? everybody : networks, defaults),
  ),
  guardedKey(
    'forwarded-for-header',
    'name of a field',
    'X-Forwarded-For',
    'The field that holds the chain of addresses, such as `CF-Connecting-IP`.',
    parseClaim,
    serve('forwardedForField'),
  ),
  supportedKey(
    'compute-full-forwarded-for',
    'bool',
    'false',
    'X-Forwarded-For goes on with the peer’s address behind it, instead of being the client’s alone. With `--forwarded-headers nginx`; Weir’s own set always has the chain.',
    parseBool,
    serve('keepsForwardedChain'),
  ),
  supportedKey(
    'proxy-add-original-uri-header',
    'bool',
    'false',
    'Path and query of the client go upstream as X-Original-URI. With `--forwarded-headers nginx`.',
    parseBool,
    serve('addsOriginalUri'),
  ),
  supportedKey(
    'generate-request-id',
    'bool',
    'true',
    'A request that brings no X-Request-ID gets one. With `--forwarded-headers nginx`.',
    parseBool,
    serve('generatesRequestId'),
  ),
  heldBy(
    'forwarded-headers',
    supportedKey(
      'enable-underscores-in-headers',
      'bool',
      'false',
      'Request fields with an underscore in their name go upstream.',
      parseBool,
      not(serve('dropsUnderscores')),
    ),
  ),
  heldBy(
    'keep-alive-timeout-ms',
    supportedKey(
      'keep-alive',
      'seconds',
      '75',
      'How long a client’s connection waits for its next request.',
      parseSeconds,
      serve('keepAliveTimeoutMs'),
    ),
  ),
  heldBy(
    'header-timeout-ms',
    differs(
      supportedKey(
        'client-header-timeout',
        'seconds',
        '60',
        'Time for a whole request head. Differs: a connection that sends nothing at all is not counted.',
        parseSeconds,
        serve('headerTimeoutMs'),
      ),
    ),
  ),
  heldBy(
    'body-idle-timeout-ms',
    supportedKey(
      'client-body-timeout',
      'seconds',
      '60',
      'Time between two reads of a request’s body.',
      parseSeconds,
      serve('bodyIdleTimeoutMs'),
    ),
  ),
  heldBy(
    'upstream-idle-timeout-ms',
    supportedKey(
      'upstream-keepalive-timeout',
      'seconds',
      '60',
      'How long an unused connection to an endpoint is kept.',
      parseSeconds,
      serve('upstreamIdleTimeoutMs'),
    ),
  ),
]
