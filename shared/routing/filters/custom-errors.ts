// Who answers instead of an application that fails, or that is not there (ingress-nginx's custom-http-errors and default-backend)?
//
// Invariant: what Weir decided about who may come in is never changed: of its own 401 and 403 only the page is another one.
// Invariant: an answer that cannot be had in time leaves the response as it was.
import { type BackendName, refOf } from '../upstreams/backend-ref.ts'
import { errorFields } from './error-fields.ts'
import type {
  Answer,
  CallResult,
  Cancel,
  Filter,
  FilterKind,
  ResponseView,
  Verdict,
} from './kind.ts'

/** Asks another Service for what clients get. Unlike `error-pages` its status counts, and it is told whose error it is. */
export interface CustomErrorsFilter extends Filter {
  readonly kind: 'custom-errors'
  /** Responses with these are replaced; 300 to 599. */
  readonly statuses: readonly number[]
  /** Who answers; absent: Weir's own 404 takes their place. */
  readonly from?: BackendName
  /** Also for requests whose Service is missing or has no endpoints; then path and query stay. */
  readonly whenEmpty: boolean
  /** Responses of applications pass as they are. */
  readonly ownOnly: boolean
  /** Of the Ingress. */
  readonly ingress: string
  /** Of the route: whose error it is. */
  readonly of: BackendName
  readonly timeoutMs: number
}

const maxBytes = 1 << 20

export const customErrorsKind: FilterKind<CustomErrorsFilter> = {
  kind: 'custom-errors',
  defaults: { statuses: [], whenEmpty: false, ownOnly: false, timeoutMs: 5000 },
  fault({ statuses }) {
    const bad = statuses.find((status) => !(status >= 300 && status <= 599))
    return bad === undefined ? undefined : `the status ${bad} is not one of 300 to 599`
  },
  upstreams: ({ from }) => (from === undefined ? [] : [refOf(from)]),
  compile(filter, context) {
    const statuses = new Set(filter.statuses)
    const from = filter.from && refOf(filter.from)
    return {
      response: {
        kind: 'async',
        includesOwn: true,
        timeoutMs: filter.timeoutMs,
        onTimeout: undefined,
        start(response, settle) {
          const { isOwn, status, code, request } = response
          const isEmpty =
            filter.whenEmpty && (code === 'no-endpoints' || code === 'service-missing')
          const isError = statuses.has(status) && (isOwn || !filter.ownOnly)
          if (from === undefined || !(isEmpty || isError)) {
            settle(isError ? notFound(response) : undefined)
            return nothingToCancel
          }
          const target = isEmpty ? request.target : `/${request.query}`
          return context.call(
            from.key,
            {
              method: request.method === 'HEAD' ? 'HEAD' : 'GET',
              target,
              authority: request.authority,
              fields: fieldsFor(filter, response),
              timeoutMs: filter.timeoutMs,
              maxBodyBytes: maxBytes,
            },
            (result) => settle(answerOf(result, response)),
          )
        },
      },
    }
  },
}

const nothingToCancel: Cancel = () => {}

/** Says whether Weir itself has refused the request. */
function isDenial({ isOwn, status }: ResponseView): boolean {
  return isOwn && (status === 401 || status === 403)
}

/** ingress-nginx's own default backend. */
function notFound(response: ResponseView): Verdict {
  if (isDenial(response)) return undefined
  const headers = [['content-type', 'text/plain']] as const
  return { status: 404, code: 'error-replaced', headers, body: '404 not found\n' }
}

const told =
  /^(?:x-code|x-format|x-original-uri|x-namespace|x-ingress-name|x-service-name|x-service-port|x-request-id|content-[a-z]+):.*\r\n/gim

/** The client's fields, and what ingress-nginx tells its default backend. */
function fieldsFor({ ingress, of }: CustomErrorsFilter, response: ResponseView): string {
  return response.request.fields.replace(told, '') + errorFields(response, of, ingress)
}

// What Weir writes itself, and what a status means nothing without (RFC 9110 §11.6.1).
const ownFields = /^(?:content-length|date|server|connection|keep-alive|transfer-encoding|trailer)$/

function answerOf(result: CallResult, response: ResponseView): Answer | undefined {
  if ('failure' in result) return undefined
  const headers: [string, string][] = []
  for (const [, name = '', value = ''] of result.fields.matchAll(
    /^([^:\r\n]+):[\t ]*(.*?)[\t ]*\r\n/gm,
  )) {
    if (!ownFields.test(name.toLowerCase())) headers.push([name, value])
  }
  const challenge = isDenial(response) ? response.field('www-authenticate') : undefined
  if (challenge !== undefined) headers.push(['www-authenticate', challenge])
  const status = isDenial(response) ? response.status : result.status
  return { status, code: 'error-replaced', headers, body: result.body }
}
