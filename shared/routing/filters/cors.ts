// May a page of another origin read this response? (Fetch Standard §3.2, "CORS protocol")
//
// Invariant: an origin is allowed by exact comparison or by a wildcard of whole labels; credentials never go with `*`.
import type { Filter, FilterKind, RequestView, Verdict } from './kind.ts'

/** Answers preflights, and tells browsers which origins may read responses, those of Weir itself included. */
export interface CorsFilter extends Filter {
  readonly kind: 'cors'
  /** `*`, `https://a.test`, `https://*.a.test` (one or more labels) or `null`; lower case. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  /** Names of request headers; `*` allows all that are asked for. */
  readonly headers: readonly string[]
  /** Names of response headers that scripts may read. */
  readonly exposed: readonly string[]
  readonly credentials: boolean
  /** How long a preflight counts; absent: the browser's own choice. */
  readonly maxAgeSeconds?: number
}

const origin =
  /^(?:\*|null|https?:\/\/(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?(?::\d{1,5})?|https?:\/\/\[[0-9a-f:.]+\](?::\d{1,5})?)$/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Says why a text is no origin, as the end of a sentence; undefined when it is one. */
export function faultOfOrigin(text: string): string | undefined {
  return origin.test(text)
    ? undefined
    : `'${text}' is no origin such as https://a.test or https://*.a.test, nor *`
}

export const corsKind: FilterKind<CorsFilter> = {
  kind: 'cors',
  defaults: {
    origins: [],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    headers: ['*'],
    exposed: [],
    credentials: false,
  },
  fault({ origins, methods, headers, exposed, credentials }) {
    if (origins.length === 0) return 'there is no origin'
    const fault = origins.map(faultOfOrigin).find((found) => found !== undefined)
    if (fault !== undefined) return fault
    const bad = [...methods, ...headers, ...exposed].find((name) => !token.test(name))
    if (bad !== undefined) return `'${bad}' is no name`
    return credentials && origins.includes('*')
      ? 'credentials need origins by name: with * every page of the world could act for the user'
      : undefined
  },
  compile(filter) {
    const isAllowed = compileOrigins(filter.origins)
    const isOpen = filter.origins.includes('*')
    return {
      request: {
        kind: 'sync',
        decide(request) {
          // The answer differs by origin, also for who sends none: caches must know (Fetch §3.2.5).
          if (!isOpen) request.setResponseField('vary', 'Origin', true)
          const asked = request.field('origin')
          const mayRead = asked !== undefined && isAllowed(asked.toLowerCase())
          if (mayRead) allow(request, filter, isOpen ? '*' : asked)
          return isPreflight(request) ? answerPreflight(request, filter, mayRead) : undefined
        },
      },
    }
  },
}

function allow(request: RequestView, filter: CorsFilter, value: string): void {
  request.setResponseField('access-control-allow-origin', value)
  if (filter.credentials) request.setResponseField('access-control-allow-credentials', 'true')
  if (filter.exposed.length > 0) {
    request.setResponseField('access-control-expose-headers', filter.exposed.join(', '))
  }
}

/** Fetch §3.2.2: a preflight is an OPTIONS request that asks for a method. */
function isPreflight(request: RequestView): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.field('origin') !== undefined &&
    request.field('access-control-request-method') !== undefined
  )
}

function answerPreflight(request: RequestView, filter: CorsFilter, mayRead: boolean): Verdict {
  if (mayRead) {
    request.setResponseField('access-control-allow-methods', filter.methods.join(', '))
    const asked = request.field('access-control-request-headers')
    const headers = filter.headers.includes('*') ? asked : filter.headers.join(', ')
    if (headers !== undefined && headers !== '') {
      request.setResponseField('access-control-allow-headers', headers)
    }
    if (filter.maxAgeSeconds !== undefined) {
      request.setResponseField('access-control-max-age', String(filter.maxAgeSeconds))
    }
  }
  return { status: 204, code: 'preflight', headers: [], body: '' }
}

function compileOrigins(origins: readonly string[]): (asked: string) => boolean {
  if (origins.includes('*')) return () => true
  const exact = new Set(origins.filter((text) => !text.includes('*')))
  const wildcards = origins
    .filter((text) => text.includes('*'))
    .map((text) => {
      const [scheme = '', rest = ''] = text.split('*')
      return { scheme, rest }
    })
  return (asked) =>
    exact.has(asked) ||
    wildcards.some(
      ({ scheme, rest }) =>
        asked.startsWith(scheme) &&
        asked.endsWith(rest) &&
        /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/.test(
          asked.slice(scheme.length, asked.length - rest.length),
        ),
    )
}
