// The annotations of ingress-nginx that send clients elsewhere, and those that mend where applications send them.

import type { RedirectTarget } from '../../filters/redirect.ts'
import type { Replacement } from '../../filters/rewrite-cookies.ts'
import type { Draft } from './draft.ts'
import { guarded, ignoring, type SupportedRow, supported } from './row.ts'
import { partOf } from './settings.ts'
import {
  accept,
  type Parsed,
  parseBool,
  parseChoice,
  parseLiteralUrl,
  parseLocation,
  refuse,
} from './values.ts'

const prefix = 'nginx.ingress.kubernetes.io/'
const permanentStatuses = { 301: 301, 302: 302, 303: 303, 307: 307, 308: 308 } as const
const temporalStatuses = { 301: 301, 302: 302, 303: 303, 307: 307 } as const
const location = 'rewrite-location'

/** Rows of keys that send clients elsewhere. */
export const redirectRows: readonly SupportedRow[] = [
  supported(
    'preserve-trailing-slash',
    'bool',
    'A redirect to https keeps the `/` at the end of path and query, which ingress-nginx leaves out by default; Weir does so with `--like ingress-nginx` only.',
    parseBool,
    (keepsSlash, { defaults }) => ({
      cutsSlash: !keepsSlash && defaults.like === 'ingress-nginx',
    }),
  ),
  supported(
    'use-port-in-redirects',
    'bool',
    'The redirect to https names the port 443.',
    parseBool,
    (namesPort) => ({ namesPort }),
  ),
  supported(
    'relative-redirects',
    'bool',
    'A `permanent-redirect` to a path, and a path of `proxy-redirect-to`, is sent without scheme and host.',
    parseBool,
    (relativeRedirects) => ({ relativeRedirects }),
  ),
  supported(
    'permanent-redirect-code',
    '301, 302, 303, 307, 308',
    'Status of `permanent-redirect`; 301 when absent, or another.',
    parseChoice(permanentStatuses),
    (permanentStatus) => ({ permanentStatus }),
  ),
  guarded(
    'permanent-redirect',
    'URL or path',
    'Every request is redirected to this URL as it stands. A path gets scheme and host of the request. A trailing `$request_uri` keeps path and query, `$host` the host; ingress-nginx 1.15 takes no variables.',
    parseUrlOrPath,
    (redirect, { permanentStatus, relativeRedirects }) => ({
      redirect:
        relativeRedirects && isPath(redirect) ? { ...redirect, isRelative: true } : redirect,
      redirectStatus: permanentStatus,
    }),
  ),
  supported(
    'temporal-redirect-code',
    '301, 302, 303, 307',
    'Status of `temporal-redirect`; 302 when absent, or another.',
    parseChoice(temporalStatuses),
    (temporalStatus) => ({ temporalStatus }),
  ),
  ignoring(
    guarded(
      'temporal-redirect',
      'URL',
      'As `permanent-redirect`, and stronger when both are given. A path has no effect.',
      parseLiteralUrl,
      (redirect, { temporalStatus }) => ({ redirect, redirectStatus: temporalStatus }),
    ),
    (text) => (parseLocation(text).ok ? 'is no URL' : undefined),
  ),
  supported(
    'app-root',
    'path',
    'Exactly `/` gets 302 to this path, with the scheme the client used, also where no rule covers `/`. Differs: where another Ingress has a rule for exactly `/`, or one of another namespace a rule that covers it, that one serves it.',
    parseLocation,
    (appRoot) => ({ appRoot }),
  ),
  supported(
    'proxy-redirect-to',
    'text or `off`',
    'What a Location (or Refresh) of the application begins with instead of `proxy-redirect-from`. `$scheme`, `$host` and `$http_host` are those of the request. A path gets scheme and host of the request.',
    accept<string>,
    partOf(location, `${prefix}proxy-redirect-to`, (to: string) => ({ to })),
  ),
  supported(
    'proxy-redirect-from',
    'text, `off` or `default`',
    'What a Location (or Refresh) of the application must begin with to be changed; `off` and `default` change nothing. Differs: no patterns.',
    accept<string>,
    rewriteLocationFrom,
  ),
  supported(
    'proxy-cookie-domain',
    'two domains, or `off`',
    'Cookies of the application for the first domain are for the second one. Differs: no patterns.',
    parseReplacement,
    rewriteCookies('domain'),
  ),
  supported(
    'proxy-cookie-path',
    'two paths, or `off`',
    'The path of the application’s cookies begins with the second path where it began with the first. Differs: no patterns.',
    parseReplacement,
    rewriteCookies('path'),
  ),
]

function isPath({ scheme, host, port }: RedirectTarget): boolean {
  return scheme === undefined && host === undefined && port === undefined
}

function parseUrlOrPath(text: string): Parsed<RedirectTarget> {
  const path = parseLocation(text)
  if (path.ok) return accept({ path: path.value })
  const url = parseLiteralUrl(text)
  return url.ok ? url : refuse(`${url.reason}, or be a path`)
}

/** The row of the other part comes before this one. */
function rewriteLocationFrom(from: string, draft: Draft): Partial<Draft> {
  const { [location]: before, ...others } = draft.filters
  if (from === 'off' || from === 'default' || before?.parts['to'] === 'off') {
    return { filters: others }
  }
  const { relativeRedirects: isRelative } = draft
  const parts = isRelative ? { from, isRelative } : { from }
  return partOf(location, `${prefix}proxy-redirect-from`, () => parts)(from, draft)
}

/** Parses `FROM TO`, where TO may be quoted and have spaces then; undefined: nothing is replaced. */
function parseReplacement(text: string): Parsed<Replacement | undefined> {
  if (text === 'off') return accept(undefined)
  const match = /^([^\s"']+)\s+(?:"([^"]*)"|'([^']*)'|([^\s"';]+));?$/.exec(text)
  const [, from = '', ...quoted] = match ?? []
  if (match === null) return refuse('must be what is replaced and by what, separated by a space')
  if (from.startsWith('~')) return refuse('must not be a pattern')
  const to = quoted.find((part) => part !== undefined) ?? ''
  return to.includes('$') ? refuse('must not have variables') : accept({ from, to })
}

function rewriteCookies(part: 'domain' | 'path') {
  return (value: Replacement | undefined, draft: Draft): Partial<Draft> =>
    value === undefined
      ? {}
      : partOf('rewrite-cookies', `${prefix}proxy-cookie-${part}`, () => ({ [part]: value }))(
          value,
          draft,
        )
}
