// Skipper's filters that find out who it is.
import { readOrigin } from '../../../auth-origin.ts'
import type { BasicAuthFilter } from '../../filters/basic-auth.ts'
import type { ExternalAuthFilter } from '../../filters/external-auth.ts'
import { faultOfName } from '../../filters/header-edits.ts'
import type { JwtFilter } from '../../filters/jwt.ts'
import type { TokenFieldsFilter } from '../../filters/token-fields.ts'
import type { TokenInfoFilter } from '../../filters/token-info.ts'
import { refOfOrigin } from '../../upstreams/backend-ref.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type FiltersContext, type Made, only, served } from './row.ts'

const asked = 'The operator allows its origin (--auth-urls), or it is a Service of the namespace.'

/** Where a URL leads. */
function placeOf(url: string, namespace: string) {
  const result = readOrigin(url)
  if (!result.ok) throw new ArgumentFault(`its URL ${result.reason}`)
  const authority = new URL(url).host
  return { service: refOfOrigin(result.origin, namespace), authority, path: result.target }
}

function headerOf(args: Args, index: number): string {
  const name = args.text(index, 'name of a header').toLowerCase()
  const fault = faultOfName(name)
  if (fault !== undefined) throw new ArgumentFault(fault)
  return name
}

function checkingKeys(discovers: boolean) {
  return (args: Args, { namespace }: FiltersContext): Made => {
    args.expect(1)
    const url = args.text(0, 'URL')
    const keys = discovers
      ? placeOf(`${url.replace(/\/$/, '')}/.well-known/openid-configuration`, namespace)
      : placeOf(url, namespace)
    const filter: JwtFilter = {
      kind: 'jwt',
      keys: { ...keys, ...(discovers && { discovers: true as const }) },
      audiences: [],
      header: 'authorization',
      claims: [],
      leewaySeconds: 0,
      tellsOthers: true,
      ...(discovers && { needsSubject: true }),
    }
    return only(filter)
  }
}

function asking(needs: TokenInfoFilter['needs'], what: TokenInfoFilter['wanted']['in']) {
  return (args: Args, { namespace, tokeninfoUrl }: FiltersContext): Made => {
    args.expect(1, Number.POSITIVE_INFINITY)
    const texts = args.texts(0, what === 'scope' ? 'scopes' : 'names and values')
    if (what === 'fields' && texts.length % 2 !== 0) {
      throw new ArgumentFault('its arguments must be pairs of a name and a value')
    }
    if (tokeninfoUrl === undefined) {
      throw new ArgumentFault('nobody can be asked: the operator has not set --tokeninfo-url')
    }
    const filter: TokenInfoFilter = {
      kind: 'token-info',
      ...placeOf(tokeninfoUrl, namespace),
      timeoutMs: 2000,
      needs,
      wanted: what === 'scope' ? { in: what, scopes: texts } : { in: what, pairs: pairsOf(texts) },
    }
    return only(filter)
  }
}

function pairsOf(texts: readonly string[]): readonly (readonly [string, string])[] {
  return texts.flatMap((name, index) =>
    index % 2 === 0 ? [[name, texts[index + 1] ?? ''] as const] : [],
  )
}

function telling(filter: Omit<TokenFieldsFilter, 'kind'>): Made {
  const made: TokenFieldsFilter = { kind: 'token-fields', ...filter }
  return only(made)
}

/** Of the facts that filters hand on Weir has one: whose the token is. */
function context(on: TokenFieldsFilter['on'], appends: boolean) {
  return (args: Args): Made => {
    args.expect(2)
    const name = headerOf(args, 0)
    const end = appends ? { appends: true as const } : {}
    return args.text(1, 'key') === 'auth-user'
      ? telling({ on, name, what: { from: 'user' }, ...end })
      : telling({ on, name, what: { from: 'field', path: '' }, ...end })
  }
}

const known = 'Of the facts of filters there is `auth-user`; of others the header is not set.'
const info =
  'Asked is --tokeninfo-url, once for each request. 401 without a valid token, 403 without what is wanted.'

export const authRows: readonly FilterRow[] = [
  served(
    'basicAuth',
    'file, [realm]',
    'An htpasswd file below the folder of --auth-files.',
    (args) => {
      args.expect(1, 2)
      const file = args.text(0, 'file')
      if (!file.startsWith('/')) throw new ArgumentFault('its file must be an absolute path')
      const realm = args.has(1) ? args.text(1, 'realm') : 'Basic Realm'
      const filter: BasicAuthFilter = { kind: 'basic-auth', file, realm, format: 'auth-file' }
      return only(filter)
    },
  ),
  served(
    'webhook',
    'URL, [headers]',
    `Below 300 lets in, 403 is 403, all else 401. Headers that it may set never come from clients. ${asked}`,
    (args, { namespace }) => {
      args.expect(1, 2)
      const names = args.has(1) ? args.text(1, 'headers').split(',') : []
      const upstreamHeaders = names.map((name) => name.trim().toLowerCase()).filter(Boolean)
      const fault = upstreamHeaders.map(faultOfName).find((found) => found !== undefined)
      if (fault !== undefined) throw new ArgumentFault(fault)
      const filter: ExternalAuthFilter = {
        kind: 'external-auth',
        ...placeOf(args.text(0, 'URL'), namespace),
        ...{ method: 'GET', timeoutMs: 2000, upstreamHeaders, clientHeaders: [] },
        ...{ cacheMs: 0, cacheKeys: [], isTerse: true },
      }
      return only(filter)
    },
  ),
  served('oauthTokeninfoAnyScope', 'scope, …', info, asking('any', 'scope')),
  served('oauthTokeninfoAllScope', 'scope, …', info, asking('all', 'scope')),
  served('oauthTokeninfoAnyKV', 'name, value, …', info, asking('any', 'fields')),
  served('oauthTokeninfoAllKV', 'name, value, …', info, asking('all', 'fields')),
  served(
    'jwtValidation',
    'issuer',
    `Keys by the issuer's openid-configuration, which names them at its own origin; a token needs \`sub\`. Without keys 503. ${asked}`,
    checkingKeys(true),
  ),
  served(
    'jwtValidationKeys',
    'URL',
    `Keys at the URL. Without keys 503. ${asked}`,
    checkingKeys(false),
  ),
  served(
    'forwardToken',
    'header, [name, …]',
    'What the tokeninfo service said, as JSON. One that the client sent never passes.',
    (args) => {
      args.expect(1, Number.POSITIVE_INFINITY)
      const what = { from: 'info', only: args.texts(1, 'names') } as const
      return telling({ on: 'request', name: headerOf(args, 0), what })
    },
  ),
  served(
    'forwardTokenField',
    'header, place',
    'Claims of a JWT are below `claims`. One that the client sent never passes.',
    (args) => {
      args.expect(2)
      const what = { from: 'field', path: args.text(1, 'place') } as const
      return telling({ on: 'request', name: headerOf(args, 0), what })
    },
  ),
  served('setContextRequestHeader', 'header, key', known, context('request', false)),
  served('appendContextRequestHeader', 'header, key', known, context('request', true)),
  served('setContextResponseHeader', 'header, key', known, context('response', false)),
  served('appendContextResponseHeader', 'header, key', known, context('response', true)),
]
