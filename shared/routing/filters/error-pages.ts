// What does a client read instead of an error of the application, or of Weir?
//
// Invariant: a page that cannot be had in time leaves the response as it was; the status is kept unless the page has its own
// for a failure. X-Code and its family tell the page's Service what happened, as ingress-nginx's default backend expects.
import type { BackendRef } from '../upstreams/backend-ref.ts'
import { errorFields } from './error-fields.ts'
import type { Answer, CallResult, Filter, FilterKind, ResponseView } from './kind.ts'

/** Takes the place of responses with one of `statuses` by a page that a Service gives. */
export interface ErrorPagesFilter extends Filter {
  readonly kind: 'error-pages'
  /** 400 to 599. */
  readonly statuses: readonly number[]
  readonly from: BackendRef
  /** Path that is asked for; `{status}` in it is the status. */
  readonly path: string
  readonly timeoutMs: number
}

const maxPageBytes = 1 << 20

export const errorPagesKind: FilterKind<ErrorPagesFilter> = {
  kind: 'error-pages',
  defaults: { path: '/', timeoutMs: 2000 },
  fault({ statuses, from }) {
    if (from === undefined) return 'there is no Service that gives the pages'
    if (statuses === undefined || statuses.length === 0) return 'there is no status'
    const bad = statuses.find((status) => !(status >= 400 && status <= 599))
    return bad === undefined ? undefined : `the status ${bad} is not one of 400 to 599`
  },
  upstreams: ({ from }) => [from],
  compile(filter, context) {
    const statuses = new Set(filter.statuses)
    return {
      response: {
        kind: 'async',
        includesOwn: true,
        timeoutMs: filter.timeoutMs,
        onTimeout: undefined,
        start(response, settle) {
          if (!statuses.has(response.status)) {
            settle(undefined)
            return () => {}
          }
          const { request } = response
          return context.call(
            filter.from.key,
            {
              method: 'GET',
              target: filter.path.replaceAll('{status}', String(response.status)),
              authority: request.authority,
              fields: fieldsFor(response, filter.from),
              timeoutMs: filter.timeoutMs,
              maxBodyBytes: maxPageBytes,
            },
            (result) => settle(pageOf(result, response)),
          )
        },
      },
    }
  },
}

function fieldsFor(response: ResponseView, from: BackendRef): string {
  const passes = response.request.field('cdn-loop')
  return errorFields(response, from) + (passes === undefined ? '' : `CDN-Loop: ${passes}\r\n`)
}

// What a status means nothing without: RFC 9110 §11.6.1 (401), §11.7.1 (407), §10.2.1 (405), §14.4 (416), §10.2.3 (429, 503).
const fieldsOfStatus = [
  'www-authenticate',
  'proxy-authenticate',
  'allow',
  'content-range',
  'retry-after',
]

function pageOf(result: CallResult, response: ResponseView): Answer | undefined {
  if ('failure' in result) return undefined
  const headers: [string, string][] = []
  const type = /^content-type:[\t ]*(.*?)[\t ]*\r\n/im.exec(result.fields)?.[1]
  if (type !== undefined) headers.push(['content-type', type])
  for (const name of fieldsOfStatus) {
    const value = response.field(name)
    if (value !== undefined) headers.push([name, value])
  }
  return { status: response.status, code: '', headers, body: result.body }
}
