// May this request go on? A Service or URL is asked before each, as nginx's auth_request, Traefik's forwardAuth and Envoy's ext_authz do.
//
// Invariant: only a 2xx lets a request in; what is not an answer within the time is a no (503), and nothing is cached of it.
// Invariant: fields that the Service may set are never believed from a client: they are dropped before it is asked.
import { createBoundedCache } from '../../bounded-cache.ts'
import { compileRequestKey, faultOfRequestKey, type RequestKey } from '../request-key.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'
import { pickFields } from './answer-fields.ts'
import type {
  Answer,
  CallResult,
  Cancel,
  Filter,
  FilterKind,
  RequestView,
  Verdict,
} from './kind.ts'

/** Asks a Service about each request. */
export interface ExternalAuthFilter extends Filter {
  readonly kind: 'external-auth'
  /** A Service, or where a URL leads. */
  readonly service: BackendRef
  /** Host that is asked for; absent: that of the request. */
  readonly authority?: string
  /** Path and query that are asked for. */
  readonly path: string
  readonly method: string
  readonly timeoutMs: number
  /** Fields of a 2xx answer that go upstream. Lower case. */
  readonly upstreamHeaders: readonly string[]
  /** Fields of a 2xx answer that go to the client with its response. Lower case. */
  readonly clientHeaders: readonly string[]
  /** Where a browser is sent on 401; `{url}` in it is the request's own URL, escaped. */
  readonly signIn?: string
  /** A 2xx counts for requests with the same key for so long; 0: every request is asked about. */
  readonly cacheMs: number
  readonly cacheKeys: readonly RequestKey[]
  /** Refusals are 403 where the Service said so, else 401, also where it cannot be asked; they say nothing else. */
  readonly isTerse?: true
}

/** What a 2xx answer means for the requests that it counts for. */
interface Permission {
  readonly upstream: readonly (readonly [string, string])[]
  readonly client: readonly (readonly [string, string])[]
  readonly until: number
}

const maxCached = 10_000
const maxAnswerBytes = 64 << 10
// Fields of the answer that go to a client who is refused.
const refusalFields: ReadonlySet<string> = new Set([
  'www-authenticate',
  'location',
  'set-cookie',
  'content-type',
  'content-encoding',
  'cache-control',
  'retry-after',
])
const nothing = () => {}

export const externalAuthKind: FilterKind<ExternalAuthFilter> = {
  kind: 'external-auth',
  isGuard: true,
  defaults: {
    path: '/',
    method: 'GET',
    timeoutMs: 2000,
    upstreamHeaders: [],
    clientHeaders: [],
    cacheMs: 0,
    cacheKeys: [],
  },
  fault({ service, cacheMs, cacheKeys }) {
    if (service === undefined) return 'there is no Service or URL to ask'
    if (cacheMs > 0 && cacheKeys.length === 0) {
      return 'a cache needs keys that tell clients apart, such as a cookie'
    }
    return cacheKeys.map(faultOfRequestKey).find((fault) => fault !== undefined)
  },
  upstreams: ({ service }) => [service],
  compile(filter, context) {
    const keys = filter.cacheKeys.map(compileRequestKey)
    const permissionOf = compilePermission(filter)
    const cache = createBoundedCache<string, Permission>({ max: maxCached })
    return {
      request: {
        kind: 'async',
        timeoutMs: filter.timeoutMs,
        onTimeout: filter.isTerse === true ? terse(401) : 'auth-unavailable',
        start(request, settle): Cancel {
          const values = keys.map((read) => read(request))
          const mayCache = filter.cacheMs > 0 && values.some((value) => value !== '')
          // What was decoded may hold any character: only quotes keep values apart.
          const key = mayCache ? JSON.stringify(values) : ''
          for (const name of filter.upstreamHeaders) request.dropField(name)
          const { fields } = request
          const known = mayCache ? cache.get(key) : undefined
          if (known !== undefined && known.until > context.clock.now()) {
            apply(known, request)
            settle(undefined)
            return nothing
          }
          return context.call(
            filter.service.key,
            {
              method: filter.method,
              target: filter.path,
              authority: filter.authority ?? request.authority,
              fields: askingFields(request, fields),
              timeoutMs: filter.timeoutMs,
              maxBodyBytes: maxAnswerBytes,
            },
            (result) => {
              const isYes = 'status' in result && result.status >= 200 && result.status < 300
              if (!isYes) {
                settle(refuse(result, filter, request))
                return
              }
              const permission = permissionOf(result.fields, context.clock.now())
              if (mayCache) cache.set(key, permission)
              apply(permission, request)
              settle(undefined)
            },
          )
        },
      },
    }
  },
}

/**
 * The client's fields and what was asked for, without what speaks of its body, and of the resource that it wants: conditions
 * and ranges (RFC 9110 §13, §14) would make the answer a 304, 412 or 416 that says nothing about the client.
 */
function askingFields(request: RequestView, fields: string): string {
  const kept = fields.replace(
    /^(?:content-(?:length|type|encoding)|expect|range|if-(?:match|none-match|modified-since|unmodified-since|range)|x-original-(?:url|method)|x-forwarded-(?:method|uri)):.*\r\n/gim,
    '',
  )
  const url = `${request.scheme}://${request.authority || request.host}${request.path}${request.query}`
  const uri = request.path + request.query
  return `${kept}X-Original-URL: ${url}\r\nX-Original-Method: ${request.method}\r\nX-Forwarded-Method: ${request.method}\r\nX-Forwarded-Uri: ${uri}\r\n`
}

function compilePermission(
  filter: ExternalAuthFilter,
): (fields: string, now: number) => Permission {
  const upstream = new Set(filter.upstreamHeaders)
  const client = new Set(filter.clientHeaders)
  return (fields, now) => ({
    upstream: pickFields(fields, upstream),
    client: pickFields(fields, client),
    until: now + filter.cacheMs,
  })
}

function apply({ upstream, client }: Permission, request: RequestView): void {
  for (const [name, value] of upstream) request.setField(name, value)
  for (const [name, value] of client) request.setResponseField(name, value, true)
}

function terse(status: 401 | 403): Answer {
  const headers = [['content-type', 'text/plain; charset=utf-8'] as const]
  return { status, code: 'unauthorized', headers, body: `${status} unauthorized\n` }
}

function refuse(result: CallResult, filter: ExternalAuthFilter, request: RequestView): Verdict {
  if (filter.isTerse === true) return terse('status' in result && result.status === 403 ? 403 : 401)
  // What is neither yes nor no is no answer: 5xx, 1xx, no connection; and 304, for nothing conditional was asked.
  if ('failure' in result || result.status < 300 || result.status >= 500) return 'auth-unavailable'
  if (result.status === 304) return 'auth-unavailable'
  if (result.status === 401 && filter.signIn !== undefined) return signIn(filter.signIn, request)
  const headers: Answer['headers'] = pickFields(result.fields, refusalFields)
  return { status: result.status, code: 'unauthorized', headers, body: result.body }
}

function signIn(target: string, request: RequestView): Answer {
  const host = request.authority || request.host
  const url = `${request.scheme}://${host}${request.path}${request.query}`
  const location = target.replaceAll('{url}', encodeURIComponent(url))
  const headers = [['Location', location] as const]
  return { status: 302, code: 'redirect', headers, body: '302 redirect\n' }
}
