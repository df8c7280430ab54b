// Where does an application send clients that does not know its public address?
//
// Invariant: what comes out is one line of visible ASCII, as everything that a Location is made of.
import type { Filter, FilterKind, RequestView } from './kind.ts'
import { originOf } from './redirect.ts'

/** Changes the Location and Refresh fields of an upstream that begin with `from` (nginx `proxy_redirect`). */
export interface RewriteLocationFilter extends Filter {
  readonly kind: 'rewrite-location'
  readonly from: string
  /** `$scheme`, `$host` and `$http_host` in both are those of the request. */
  readonly to: string
  /** A path that comes out stays one; absent: it gets scheme and host of the request, as nginx writes it. */
  readonly isRelative?: boolean
}

const visible = /^[!-~]+$/
const variable = /\$(scheme|http_host|host)(?![a-z_])/g

export const rewriteLocationKind: FilterKind<RewriteLocationFilter> = {
  kind: 'rewrite-location',
  fault({ from, to }) {
    for (const text of [from, to]) {
      if (text === undefined) return 'both what is replaced and by what must be said'
      if (!visible.test(text)) return 'it must be visible ASCII'
      if (/^~/.test(text)) return 'patterns are not supported'
      if (text.replace(variable, '').includes('$')) {
        return 'of the variables of nginx it may have $scheme, $host and $http_host only'
      }
    }
    return undefined
  },
  compile({ from, to, isRelative = false }) {
    const replace = (location: string, request: RequestView): string | undefined => {
      const begin = expand(from, request)
      if (!location.startsWith(begin)) return undefined
      const replaced = expand(to, request) + location.slice(begin.length)
      const isPath = /^\/(?!\/)/.test(replaced)
      return isPath && !isRelative ? (originOf({}, request) ?? '') + replaced : replaced
    }
    return {
      response: {
        kind: 'sync',
        includesOwn: false,
        decide(response) {
          const { request } = response
          const location = response.field('location')
          const moved = location === undefined ? undefined : replace(location, request)
          if (moved !== undefined) response.setField('location', moved)
          const [, delay = '', url = ''] =
            /^(\s*\d+\s*[;,]\s*url\s*=\s*)(.*)$/i.exec(response.field('refresh') ?? '') ?? []
          const next = url === '' ? undefined : replace(url, request)
          if (next !== undefined) response.setField('refresh', delay + next)
          return undefined
        },
      },
    }
  },
}

function expand(text: string, { scheme, host, authority }: RequestView): string {
  return text.replace(variable, (_all, name: string) => {
    if (name === 'scheme') return scheme
    return name === 'host' ? host : authority
  })
}
