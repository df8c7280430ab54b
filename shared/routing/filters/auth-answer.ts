// What did the server that is asked about requests say, and for how long does it count? (nginx: ngx_http_auth_request_module,
// and the rules of proxy_cache_valid)
import { pickFields } from './answer-fields.ts'
import type { CallResult, Verdict } from './kind.ts'

/** What an answer means for the requests that it counts for. */
export interface AuthAnswer {
  readonly status: number
  /** Fields that go upstream, by lower-case name; several lines are joined. */
  readonly upstream: ReadonlyMap<string, string>
  readonly cookies: readonly string[]
  readonly challenges: readonly string[]
  /** Cache-Control; undefined: none. */
  readonly cacheControl: string | undefined
  /** It says something of caching that counts against it: other fields than Cache-Control. */
  readonly isUncacheable: boolean
  /** By the monotonic clock, in ms; 0: for this request alone. */
  readonly until: number
}

const uncacheable: ReadonlySet<string> = new Set([
  'set-cookie',
  'vary',
  'expires',
  'x-accel-expires',
])
const noFields: ReadonlyMap<string, string> = new Map()

/** Prepares the reading of answers, which gives undefined when nothing came back. Names are lower case. */
export function compileAnswer(
  upstreamHeaders: readonly string[],
): (result: CallResult) => AuthAnswer | undefined {
  const names = new Set([...uncacheable, 'www-authenticate', 'cache-control', ...upstreamHeaders])
  return (result) => {
    if ('failure' in result) return undefined
    const fields = pickFields(result.fields, names)
    const valuesOf = (wanted: string) =>
      fields.filter(([name]) => name === wanted).map(([, value]) => value)
    const joined = upstreamHeaders.flatMap((name) => {
      const values = valuesOf(name)
      return values.length === 0 ? [] : [[name, values.join(', ')] as const]
    })
    const control = valuesOf('cache-control')
    return {
      status: result.status,
      upstream: joined.length === 0 ? noFields : new Map(joined),
      cookies: valuesOf('set-cookie'),
      challenges: valuesOf('www-authenticate'),
      cacheControl: control.length === 0 ? undefined : control.join(', '),
      isUncacheable: fields.some(([name]) => uncacheable.has(name)),
      until: 0,
    }
  }
}

/** How long an answer counts, in ms; 0: not at all. Its own word goes before the rules. */
export function usableMs(
  { status, cacheControl = '', isUncacheable }: AuthAnswer,
  rules: readonly { readonly statuses: readonly number[]; readonly ms: number }[],
): number {
  if (isUncacheable || /\b(?:no-cache|no-store|private)\b/i.test(cacheControl)) return 0
  const age =
    /\bs-maxage=(\d{1,9})/i.exec(cacheControl) ?? /\bmax-age=(\d{1,9})/i.exec(cacheControl)
  if (age !== null) return Number(age[1]) * 1000
  const isFor = ({ statuses }: { readonly statuses: readonly number[] }) =>
    statuses.length === 0 || statuses.includes(status)
  return rules.findLast(isFor)?.ms ?? 0
}

/** What a client gets whom the server did not let in: 401 and 403 as they are, everything else is the server's failure. */
export function refusalOf({ status, challenges }: AuthAnswer): Verdict {
  if (status !== 401 && status !== 403) return 'auth-failed'
  return {
    status,
    code: 'unauthorized',
    headers: [
      ...challenges.map((challenge) => ['WWW-Authenticate', challenge] as const),
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
    body: `${status} unauthorized\nThe authentication server did not let this request in.\n`,
  }
}
