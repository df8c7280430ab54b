// May a page of another origin read this response? (Fetch Standard §3.2, "CORS protocol")
//
// Invariant: an origin is allowed by exact comparison or by a wildcard of whole labels. Credentials never go with `*`, but where
// ingress-nginx sent the pair: browsers take it for a no (Fetch §3.2.5).
import type {
  Answer,
  FieldEdits,
  Filter,
  FilterKind,
  RequestStep,
  RequestView,
  Verdict,
} from './kind.ts'

/** Answers preflights, and tells browsers which origins may read responses, those of Weir itself included. */
export interface CorsFilter extends Filter {
  readonly kind: 'cors'
  /** `*`, `https://a.test`, `https://*.a.test` or `null`; lower case. */
  readonly origins: readonly string[]
  /** What `*.` stands for: one label; absent: one or more. */
  readonly labels?: 'one'
  readonly methods: readonly string[]
  /** Names of request headers; `*` allows all that are asked for. */
  readonly headers: readonly string[]
  /** Names of response headers that scripts may read. */
  readonly exposed: readonly string[]
  readonly credentials: boolean
  /** How long a preflight counts; absent: the browser's own choice. */
  readonly maxAgeSeconds?: number
  /**
   * As ingress-nginx: whoever may read gets all fields with every response, with `*` also who names no origin, and every
   * OPTIONS of an allowed origin is answered. OPTIONS of others goes on.
   */
  readonly isEager?: true
}

// Applications in a web view have schemes of their own, such as `capacitor://localhost`.
const origin =
  /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?(?::\d{1,5})?|[a-z][a-z0-9+.-]*:\/\/\[[0-9a-f:.]+\](?::\d{1,5})?)$/
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
  fault({ origins, methods, headers, exposed, credentials, isEager }) {
    if (origins.length === 0) return 'there is no origin'
    const fault = origins.map(faultOfOrigin).find((found) => found !== undefined)
    if (fault !== undefined) return fault
    const bad = [...methods, ...headers, ...exposed].find((name) => !token.test(name))
    if (bad !== undefined) return `'${bad}' is no name`
    return credentials && isEager !== true && origins.includes('*')
      ? 'credentials need origins by name: with * every page of the world could act for the user'
      : undefined
  },
  compile(filter) {
    const isAllowed = compileOrigins(filter)
    const isOpen = filter.origins.includes('*')
    if (filter.isEager === true) return { request: eagerStep(filter, isAllowed, isOpen) }
    const others = isOpen ? undefined : varyOnly
    const allowing = compileAllowing(filter, isOpen)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const asked = request.field('origin')
          const mayRead = asked !== undefined && isAllowed(asked.toLowerCase())
          const edits = mayRead ? allowing(asked) : others
          if (edits !== undefined) request.editResponse(edits)
          return isPreflight(request) ? answerPreflight(request, filter, mayRead) : undefined
        },
      },
    }
  },
}

function eagerStep(
  filter: CorsFilter,
  isAllowed: (asked: string) => boolean,
  isOpen: boolean,
): RequestStep {
  const answer: Answer = { status: 204, code: 'preflight', headers: [], body: '' }
  const others = isOpen ? undefined : varyOnly
  const allowing = compileAllowing(filter, isOpen, requestFields(filter, filter.headers.join(', ')))
  return {
    kind: 'sync',
    decide(request) {
      const asked = isOpen ? '*' : request.field('origin')
      if (asked === undefined || !isAllowed(asked.toLowerCase())) {
        if (others !== undefined) request.editResponse(others)
        return undefined
      }
      request.editResponse(allowing(asked))
      return request.method === 'OPTIONS' ? answer : undefined
    },
  }
}

// The answer differs by origin, also for who sends none: caches must know (Fetch §3.2.5).
const vary = 'vary: Origin\r\n'
const varyOnly: FieldEdits = { dropped: new Set(), appended: vary }

/** Prepares what lets an origin read; `more` goes with it. The origin is a field's value: it cannot end its line. */
function compileAllowing(
  { credentials, exposed }: CorsFilter,
  isOpen: boolean,
  more: readonly (readonly [string, string])[] = [],
): (origin: string) => FieldEdits {
  const set: (readonly [string, string])[] = [['access-control-allow-origin', '*'], ...more]
  if (credentials) set.push(['access-control-allow-credentials', 'true'])
  if (exposed.length > 0) set.push(['access-control-expose-headers', exposed.join(', ')])
  const dropped = new Set(set.map(([name]) => name))
  const lines = set.map(([name, value]) => `${name}: ${value}\r\n`)
  if (isOpen) {
    const edits: FieldEdits = { dropped, appended: lines.join('') }
    return () => edits
  }
  const rest = lines.slice(1).join('') + vary
  return (origin) => ({ dropped, appended: `access-control-allow-origin: ${origin}\r\n${rest}` })
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
    const asked = request.field('access-control-request-headers')
    const headers = filter.headers.includes('*') ? asked : filter.headers.join(', ')
    for (const [name, value] of requestFields(filter, headers))
      request.setResponseField(name, value)
  }
  return { status: 204, code: 'preflight', headers: [], body: '' }
}

/** Says which requests may be made after a preflight. */
function requestFields(
  { methods, maxAgeSeconds }: CorsFilter,
  headers: string | undefined,
): readonly (readonly [string, string])[] {
  return [
    ['access-control-allow-methods', methods.join(', ')],
    ...(headers === undefined || headers === ''
      ? []
      : [['access-control-allow-headers', headers] as const]),
    ...(maxAgeSeconds === undefined
      ? []
      : [['access-control-max-age', String(maxAgeSeconds)] as const]),
  ]
}

function compileOrigins({ origins, labels }: CorsFilter): (asked: string) => boolean {
  if (origins.includes('*')) return () => true
  const exact = new Set(origins.filter((text) => !text.includes('*')))
  const wildcards = origins
    .filter((text) => text.includes('*'))
    .map((text) => {
      const [scheme = '', rest = ''] = text.split('*')
      return { scheme, rest }
    })
  const name = labels === 'one' ? /^[a-z0-9_-]+$/ : /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/
  return (asked) =>
    exact.has(asked) ||
    wildcards.some(
      ({ scheme, rest }) =>
        asked.startsWith(scheme) &&
        asked.endsWith(rest) &&
        name.test(asked.slice(scheme.length, asked.length - rest.length)),
    )
}
