// ingress-nginx's annotations for cookie affinity.
import type { Affinity } from '../../backend.ts'
import type { Draft } from './draft.ts'
import { type Row, supported } from './row.ts'
import { shapeCookie } from './settings.ts'
import {
  accept,
  type Parsed,
  parseAge,
  parseBool,
  parseChoice,
  parseCookieName,
  parsePath,
  refuse,
} from './values.ts'

/** Parses the Domain attribute of a cookie (RFC 6265 §5.2.3: a dot at its begin means nothing). */
function parseDomain(text: string): Parsed<string> {
  return /^\.?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(text)
    ? accept(text.toLowerCase())
    : refuse('must be a domain such as b.test')
}

/** What ingress-nginx does without being asked; its way to name endpoints is taken over with `--like` only. */
function beginAffinity(_isOn: boolean, { affinity, defaults }: Draft): Partial<Draft> {
  const by: Partial<Affinity> = defaults.like === 'ingress-nginx' ? { by: 'key' } : {}
  return { hasAffinity: true, affinity: { ...by, secureOverHttps: true, ...affinity } }
}

/** The rows of affinity; that of canaries is among the canary rows. */
export const affinityRows: readonly Row[] = [
  supported(
    'affinity',
    '`cookie`',
    'A cookie sends a client back to the endpoint that served it before. Differs: an endpoint that fails is passed over.',
    parseChoice({ cookie: true }),
    beginAffinity,
  ),
  supported(
    'affinity-mode',
    '`balanced`, `persistent`',
    '`balanced`: the cookie holds a key that is hashed to an endpoint, so that some clients move to new endpoints; any value is a key. `persistent`: a client moves only when its endpoint is gone. When absent: `persistent`, with `--like ingress-nginx` `balanced`.',
    parseChoice<NonNullable<Affinity['by']>>({ balanced: 'key', persistent: 'endpoint' }),
    shapeCookie('by'),
  ),
  supported(
    'session-cookie-name',
    'name',
    'Name of the cookie; `INGRESSCOOKIE` when absent.',
    parseCookieName,
    shapeCookie('cookie'),
  ),
  supported(
    'session-cookie-path',
    'path',
    'Path of the cookie; the path of the rule when absent. Differs: `/` for patterns, which ingress-nginx sends as they are, so that browsers never send the cookie back.',
    parsePath,
    shapeCookie('path'),
  ),
  supported(
    'session-cookie-domain',
    'domain',
    'Domain of the cookie; the host alone when absent.',
    parseDomain,
    shapeCookie('domain'),
  ),
  supported(
    'session-cookie-max-age',
    'seconds',
    'Max-Age of the cookie; absent or 0: none.',
    parseAge,
    shapeCookie('maxAgeSeconds'),
  ),
  supported(
    'session-cookie-expires',
    'seconds',
    'Expires of the cookie, from the time when it is set; beside `session-cookie-max-age`, which browsers go by.',
    parseAge,
    shapeCookie('expiresSeconds'),
  ),
  supported(
    'session-cookie-samesite',
    '`Strict`, `Lax`, `None`',
    'SameSite of the cookie; `None` implies Secure.',
    parseChoice({ Strict: 'Strict', Lax: 'Lax', None: 'None' } as const),
    shapeCookie('sameSite'),
  ),
  supported(
    'session-cookie-conditional-samesite-none',
    'bool',
    'Browsers that do not know `SameSite=None` (Chrome 40 to 69, Safari of iOS 12 and macOS 10.14) get the cookie without it.',
    parseBool,
    shapeCookie('sparesOldClients'),
  ),
  supported(
    'session-cookie-secure',
    'bool',
    'Secure flag of the cookie; clients that came by https get it in any case.',
    parseBool,
    shapeCookie('secure'),
  ),
  supported(
    'session-cookie-change-on-failure',
    'bool',
    'When the endpoint fails, another one is chosen and the cookie set anew.',
    parseBool,
    shapeCookie('changeOnFailure'),
  ),
]
