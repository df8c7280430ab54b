// Which origins may read a response, in one field and nothing else: Skipper's corsOrigin. cors.ts is for all of the protocol.
import type { Filter, FilterKind } from './kind.ts'

/** Says Access-Control-Allow-Origin. */
export interface AllowOriginFilter extends Filter {
  readonly kind: 'allow-origin'
  /** Compared as they stand; empty: any. */
  readonly origins: readonly string[]
}

export const allowOriginKind: FilterKind<AllowOriginFilter> = {
  kind: 'allow-origin',
  fault: ({ origins }) =>
    origins.every((origin) => /^[!-~]+$/.test(origin))
      ? undefined
      : 'an origin is visible ASCII such as https://a.test',
  compile({ origins }) {
    if (origins.length === 0) {
      const edits = {
        dropped: new Set(['access-control-allow-origin']),
        appended: 'access-control-allow-origin: *\r\n',
      }
      return { responseEdits: edits, ownEdits: edits }
    }
    const allowed = new Set(origins)
    return {
      response: {
        kind: 'sync',
        includesOwn: true,
        decide(response) {
          // Fetch §3.2.5: a cache must not give one origin what was meant for another.
          response.addField('vary', 'Origin')
          const origin = response.request.field('origin')
          if (origin !== undefined && allowed.has(origin)) {
            response.setField('access-control-allow-origin', origin)
          }
          return undefined
        },
      },
    }
  },
}
