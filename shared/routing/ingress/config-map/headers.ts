// Keys of the ConfigMap about fields of all requests and responses.
import type { CommonHeadersFilter } from '../../filters/common-headers.ts'
import {
  accept,
  type Parser,
  parseAge,
  parseBool,
  parseHeaderNames,
  refuse,
} from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, differs, heldBy, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

const parseObjectName: Parser<string> = (text) =>
  /^(?:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$/.test(text)
    ? accept(text)
    : refuse('must be NAMESPACE/NAME')

type Headers = Omit<CommonHeadersFilter, 'kind'>

function head<K extends keyof Headers>(name: K) {
  return (
    value: NonNullable<Headers[K]>,
    { headers }: IngressDefaults,
  ): Partial<IngressDefaults> => {
    const { [name]: _before, ...others } = headers ?? {}
    return value.length === 0 ? { headers: others } : { headers: { ...others, [name]: value } }
  }
}

function hsts<K extends keyof NonNullable<IngressDefaults['hsts']>>(name: K) {
  return (
    value: NonNullable<IngressDefaults['hsts']>[K],
    { hsts: before }: IngressDefaults,
  ): Partial<IngressDefaults> => ({ hsts: { ...before, [name]: value } })
}

/** Without `server-tokens` there is none, or Weir's own default. */
function passServer(passes: boolean, { serving, like }: IngressDefaults): Partial<IngressDefaults> {
  const { serverHeader = like === 'ingress-nginx' ? 'none' : 'pass' } = serving ?? {}
  if (serverHeader === 'none') return {}
  return { serving: { ...serving, serverHeader: passes ? 'pass' : 'own' } }
}

const literal = 'Differs: an entry whose value has a variable of nginx is left out.'

export const headerRows: readonly ConfigMapRow[] = [
  differs(
    supportedKey(
      'add-headers',
      'NAMESPACE/NAME of a ConfigMap',
      '',
      `Its entries are fields of all answers; an upstream’s own of that name gives way. ${literal}`,
      parseObjectName,
      head('responseMap'),
    ),
  ),
  differs(
    supportedKey(
      'proxy-set-headers',
      'NAMESPACE/NAME of a ConfigMap',
      '',
      `Its entries are fields of all requests that go upstream; a client’s own of that name gives way. ${literal}`,
      parseObjectName,
      head('requestMap'),
    ),
  ),
  supportedKey(
    'hide-headers',
    'names of fields',
    '',
    'These fields of upstreams’ responses go no further.',
    orEmpty(parseHeaderNames, []),
    head('hide'),
  ),
  differs(
    supportedKey(
      'hsts',
      'bool',
      'true',
      'Strict-Transport-Security on hosts of `spec.tls`, for clients that came by https. Differs: by the scheme that a believed load balancer names, too.',
      parseBool,
      hsts('isOn'),
    ),
  ),
  supportedKey(
    'hsts-max-age',
    'seconds',
    '31536000',
    'Its `max-age`.',
    parseAge,
    hsts('maxAgeSeconds'),
  ),
  supportedKey(
    'hsts-include-subdomains',
    'bool',
    'true',
    'Its `includeSubDomains`.',
    parseBool,
    hsts('includesSubdomains'),
  ),
  heldBy(
    'server-header',
    differs(
      supportedKey(
        'server-tokens',
        'bool',
        'false',
        'Responses name the server; `false` takes out an application’s own `Server`, too. Differs: the name is `weir`.',
        parseBool,
        (isOn, { serving }) => ({
          serving: { ...serving, serverHeader: isOn ? 'own' : 'none' },
        }),
      ),
    ),
  ),
  supportedKey(
    'allow-backend-server-header',
    'bool',
    'false',
    'An application’s own `Server` goes to the client, where `server-tokens` lets any go there.',
    parseBool,
    passServer,
  ),
  supportedKey('hsts-preload', 'bool', 'false', 'Its `preload`.', parseBool, hsts('isPreload')),
]
