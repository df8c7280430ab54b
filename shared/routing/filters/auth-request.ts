// May this request go on? A server is asked before each, as ingress-nginx's auth-url does with nginx's auth_request.
// Beside external-auth.ts, which has Weir's own rules: here the question, and what each answer means, are those of nginx.
//
//   2xx: go on, with fields of the answer   401: sent to sign in, or refused   403: refused   all else: 500
//
// Invariant: only a 2xx lets a request in, and no byte of the application's response is read before.
// Invariant: fields that the server may set never come from the client; what the server does not say is dropped.
// Invariant: what waits is bounded: so many questions at a time, and each of them in time.

import { createBoundedCache } from '../../bounded-cache.ts'
import { compileText, escapeUnseen, faultOfText, type RequestText } from '../request-text.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'
import { thrownBy } from './asset-fault.ts'
import { type AuthAnswer, compileAnswer, refusalOf, usableMs } from './auth-answer.ts'
import { compileQuestion, fieldsOf, type QuestionRules } from './auth-question.ts'
import type { CallResult, Cancel, Filter, FilterKind, RequestView, Verdict } from './kind.ts'

/** Asks a server about each request, in nginx's words. */
export interface AuthRequestFilter extends Filter, QuestionRules {
  readonly kind: 'auth-request'
  /** A Service, or where a URL leads. Absent: what serves `target` on the request's own host, inside of this proxy. */
  readonly service?: BackendRef
  /** Host that is asked for, without a port; absent: that of the request. */
  readonly host?: string
  /** Path and query that are asked for. */
  readonly target: RequestText
  /** Fields of a 2xx answer that go upstream, in the place of the client's. Lower case. */
  readonly upstreamHeaders: readonly string[]
  /** Where a browser is sent on 401. */
  readonly signIn?: RequestText
  /** Cookies of the server reach the client whatever the status is; else with those of `cookieStatuses` only. */
  readonly alwaysSetCookie: boolean
  /** What tells clients apart whose answer counts again; absent: every request is asked about. */
  readonly cacheKey?: RequestText
  /** How long an answer counts, by its status; of two rules for a status the last one. */
  readonly cacheRules: readonly CacheRule[]
}

/** An empty list means all statuses. */
export interface CacheRule {
  readonly statuses: readonly number[]
  readonly ms: number
}

const timeoutMs = 60_000
const maxAsking = 1000
const maxCached = 10_000
const maxAnswerBytes = 64 << 10
/** Those of nginx's add_header (ngx_http_headers_module). */
const cookieStatuses: ReadonlySet<number> = new Set([
  200, 201, 204, 206, 301, 302, 303, 304, 307, 308,
])
const nothing = () => {}

export const authRequestKind: FilterKind<AuthRequestFilter> = {
  kind: 'auth-request',
  isGuard: true,
  defaults: { fields: [], upstreamHeaders: [], alwaysSetCookie: false, cacheRules: [] },
  fault({ target, signIn, cacheKey, fields }) {
    if (target === undefined) return 'there is no URL to ask'
    const texts = [target, signIn ?? [], cacheKey ?? [], ...fields.map(([, value]) => value)]
    return texts.map(faultOfText).find((fault) => fault !== undefined)
  },
  vouchesFor: ({ upstreamHeaders }) => upstreamHeaders,
  upstreams: ({ service }) => (service === undefined ? [] : [service]),
  assets: ({ configMap }) =>
    configMap === undefined ? [] : [{ kind: 'config-map', name: configMap }],
  assetFault: (_filter, _ref, data) => thrownBy(() => fieldsOf(data)),
  compile(filter, context) {
    const { service, host, cacheKey, cacheRules } = filter
    const question = compileQuestion(filter, context)
    const readAnswer = compileAnswer(filter.upstreamHeaders)
    const target = compileText(filter.target)
    const conclude = compileConclusion(filter)
    const keyOf = cacheKey && compileText(cacheKey)
    const cache = createBoundedCache<string, AuthAnswer>({ max: maxCached })
    let asking = 0
    return {
      request: {
        kind: 'async',
        timeoutMs,
        onTimeout: 'auth-failed',
        start(request, settle): Cancel {
          const key = keyOf?.(request) ?? ''
          const known = keyOf === undefined ? undefined : cache.get(key)
          if (known !== undefined && known.until > context.clock.now()) {
            settle(conclude(known, request))
            return nothing
          }
          const fields = question(request)
          if (fields === undefined) {
            settle('policy-closed')
            return nothing
          }
          if (asking >= maxAsking) {
            settle('auth-failed')
            return nothing
          }
          asking += 1
          let isOver = false
          const end = () => {
            if (!isOver) asking -= 1
            isOver = true
          }
          const call = {
            method: filter.method ?? 'GET',
            target: escapeUnseen(target(request)).replaceAll('#', '%23'),
            authority: host ?? request.host,
            fields,
            timeoutMs,
            maxBodyBytes: maxAnswerBytes,
            dropsBody: true,
          }
          const take = (result: CallResult) => {
            end()
            const answer = readAnswer(result)
            if (keyOf !== undefined && answer !== undefined) {
              const ms = usableMs(answer, cacheRules)
              if (ms > 0) cache.set(key, { ...answer, until: context.clock.now() + ms })
            }
            settle(answer === undefined ? 'auth-failed' : conclude(answer, request))
          }
          const cancel =
            service === undefined
              ? context.callHost(request.host, call, take)
              : context.call(service.key, call, take)
          return () => {
            end()
            cancel()
          }
        },
      },
    }
  },
}

/** What an answer means for a request. */
function compileConclusion(
  filter: AuthRequestFilter,
): (answer: AuthAnswer, request: RequestView) => Verdict {
  const signIn = filter.signIn && compileText(filter.signIn)
  const statuses = filter.alwaysSetCookie ? undefined : cookieStatuses
  return (answer, request) => {
    for (const cookie of answer.cookies) {
      request.setResponseField('set-cookie', cookie, true, statuses)
    }
    if (answer.status >= 200 && answer.status < 300) {
      for (const name of filter.upstreamHeaders) {
        const value = answer.upstream.get(name)
        if (value === undefined) request.dropField(name)
        else request.setField(name, value)
      }
      return undefined
    }
    if (answer.status === 401 && signIn !== undefined) {
      return {
        status: 302,
        code: 'redirect',
        headers: [['Location', escapeUnseen(signIn(request))]],
        body: '302 redirect\n',
      }
    }
    return refusalOf(answer)
  }
}
