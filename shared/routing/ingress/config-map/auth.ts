// Keys of the ConfigMap that have a server asked about the requests of all Ingresses, and where nobody has to say who it is.
//
// Invariant: one that cannot be read closes the routes that rely on it, unless only comfort is lost.
import type { AuthRequestFilter } from '../../filters/auth-request.ts'
import {
  type AuthTarget,
  parseAuthTarget,
  parseCacheRules,
  parseSignIn,
} from '../annotations/auth-texts.ts'
import {
  defaultCacheRules,
  parseCacheKey,
  parseMethod,
  parseNames,
  parseParameter,
  parseRedirectValue,
} from '../annotations/nginx-auth-url.ts'
import { accept, type Parser, parseBool } from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, guardedKey, supportedKey } from './row.ts'

type Parts = Partial<AuthRequestFilter>

/** An empty value asks for nothing. */
function orNothing<T>(parse: Parser<T>): Parser<T | undefined> {
  return (text) => (text === '' ? accept(undefined) : parse(text))
}

function withParts<T>(parts: (value: T, defaults: IngressDefaults) => Parts | string) {
  return (value: T | undefined, defaults: IngressDefaults): Partial<IngressDefaults> | string => {
    if (value === undefined) return {}
    const made = parts(value, defaults)
    if (typeof made === 'string') return made
    const { globalAuth } = defaults
    return { globalAuth: { ...globalAuth, parts: { ...globalAuth?.parts, ...made } } }
  }
}

const as = (key: string) =>
  `As the annotation \`${key}\`, for all Ingresses that have no \`auth-url\`.`

/** The rows of authentication. */
export const authKeys: readonly ConfigMapRow[] = [
  guardedKey(
    'no-auth-locations',
    'paths, comma separated',
    '/.well-known/acme-challenge',
    'Rules whose path begins with one of these need neither password nor authentication server, where annotations of ingress-nginx ask for them.',
    (text) =>
      accept(
        text
          .split(',')
          .map((path) => path.trim())
          .filter((path) => path !== ''),
      ),
    (openPaths: readonly string[]) => ({ openPaths }),
  ),
  guardedKey(
    'global-auth-url',
    'URL',
    '',
    `${as('auth-url')} \`enable-global-auth: "false"\` leaves an Ingress out.`,
    orNothing(parseAuthTarget),
    (target: AuthTarget | undefined, { globalAuth }) =>
      target === undefined
        ? {}
        : {
            globalAuth: {
              target,
              parts: { cacheRules: defaultCacheRules, ...globalAuth?.parts },
            },
          },
  ),
  guardedKey(
    'global-auth-method',
    'method',
    '',
    as('auth-method'),
    orNothing(parseMethod),
    withParts((method: string) => ({ method })),
  ),
  supportedKey(
    'global-auth-signin-redirect-param',
    'name',
    '',
    as('auth-signin-redirect-param'),
    orNothing(parseParameter),
    (signInParameter, { globalAuth }) =>
      signInParameter === undefined
        ? {}
        : { globalAuth: { ...globalAuth, parts: globalAuth?.parts ?? {}, signInParameter } },
  ),
  supportedKey(
    'global-auth-signin',
    'URL',
    '',
    as('auth-signin'),
    orNothing(accept<string>),
    withParts((text: string, { globalAuth }) => {
      const signIn = parseSignIn(text, globalAuth?.signInParameter ?? 'rd')
      return signIn.ok ? { signIn: signIn.value } : signIn.reason
    }),
  ),
  guardedKey(
    'global-auth-response-headers',
    'names, comma separated',
    '',
    as('auth-response-headers'),
    orNothing(parseNames),
    withParts((upstreamHeaders: readonly string[]) => ({ upstreamHeaders })),
  ),
  guardedKey(
    'global-auth-request-redirect',
    'URL or path',
    '',
    as('auth-request-redirect'),
    orNothing(parseRedirectValue),
    withParts((requestRedirect: string) => ({ requestRedirect })),
  ),
  supportedKey(
    'global-auth-cache-key',
    'text with variables',
    '',
    as('auth-cache-key'),
    orNothing(parseCacheKey),
    withParts((cacheKey: NonNullable<Parts['cacheKey']>) => ({ cacheKey })),
  ),
  guardedKey(
    'global-auth-cache-duration',
    '`200 202 10m, 401 5m`',
    '',
    as('auth-cache-duration'),
    orNothing(parseCacheRules),
    withParts((cacheRules: NonNullable<Parts['cacheRules']>) => ({ cacheRules })),
  ),
  guardedKey(
    'global-auth-always-set-cookie',
    'bool',
    'false',
    as('auth-always-set-cookie'),
    orNothing(parseBool),
    withParts((alwaysSetCookie: boolean) => ({ alwaysSetCookie })),
  ),
]
