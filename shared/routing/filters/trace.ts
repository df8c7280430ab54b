// Which span of Weir's own does a request get, and what is the upstream told of it? W3C Trace Context in and out; a finished
// span is data for whoever exports it.
//
// Invariant: the upstream is told of a span in every case, sampled or not, so that one trace stays one.
// Invariant: a query is in no span unless its name asks for one: queries carry secrets.
import { compileText, faultOfText, type RequestText } from '../request-text.ts'
import type { SpanData } from '../span.ts'
import {
  createId,
  formatTraceParent,
  isWithinRatio,
  readTraceParent,
  type TraceParent,
} from '../trace-context.ts'
import type { CompileContext, Filter, FilterKind, Outcome, RequestView } from './kind.ts'

/** Makes spans of requests. */
export interface TraceFilter extends Filter {
  readonly kind: 'trace'
  /** A trace that the request brings goes on; else a new one begins. */
  readonly trustsIncoming: boolean
  /** Which traces are sampled: all, none, or a share of them. */
  readonly sampler: 'on' | 'off' | 'ratio'
  /** 0 to 1. */
  readonly ratio: number
  /** What the sender of a trace decided counts, and the sampler for new traces only. */
  readonly isParentBased: boolean
  /** Name of spans; absent: method and path of the route. */
  readonly name?: RequestText
}

const maxNameLength = 256

/** What is so unless it is said: as ingress-nginx has it. */
export const traceDefaults = {
  trustsIncoming: true,
  sampler: 'on',
  ratio: 0.01,
  isParentBased: true,
} as const satisfies Partial<TraceFilter>

export const traceKind: FilterKind<TraceFilter> = {
  kind: 'trace',
  defaults: traceDefaults,
  fault: ({ ratio, name = [] }) =>
    ratio >= 0 && ratio <= 1 ? faultOfText(name) : 'the ratio must be from 0 to 1',
  compile(filter, context) {
    const { clock, random, spans, place } = context
    const nameOf =
      filter.name === undefined
        ? ({ method }: RequestView) => `${knownMethod(method)} ${place.path}`
        : compileText(filter.name)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const incoming = filter.trustsIncoming
            ? readTraceParent(request.field('traceparent'))
            : undefined
          const own = ownSpan(filter, incoming, random)
          request.setField('traceparent', formatTraceParent(own))
          const state = request.field('tracestate') ?? ''
          if (incoming === undefined && state !== '') request.dropField('tracestate')
          if (!own.isSampled || !spans.isOpen) return undefined
          const begun = {
            traceId: own.traceId,
            spanId: own.spanId,
            parentId: incoming?.spanId ?? '',
            state: incoming === undefined ? '' : state,
            name: nameOf(request).slice(0, maxNameLength),
            startMs: clock.wallNow(),
          }
          const startedAt = clock.now()
          const attributes = requestAttributes(request, place)
          request.whenFinished((outcome) =>
            spans.add({
              ...begun,
              durationMs: clock.now() - startedAt,
              attributes: { ...attributes, ...outcomeAttributes(outcome) },
              isError: outcome.status >= 500,
            }),
          )
          return undefined
        },
      },
    }
  },
}

function ownSpan(
  { sampler, ratio, isParentBased }: TraceFilter,
  incoming: TraceParent | undefined,
  random: () => number,
): TraceParent {
  const traceId = incoming?.traceId ?? createId(4, random)
  const isSampled =
    incoming !== undefined && isParentBased
      ? incoming.isSampled
      : sampler === 'on' || (sampler === 'ratio' && isWithinRatio(traceId, ratio))
  return { traceId, spanId: createId(2, random), isSampled }
}

// Semantic conventions for HTTP spans: others would make as many names as clients can think of.
const methods = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'],
])

function knownMethod(method: string): string {
  return methods.has(method) ? method : 'HTTP'
}

/** What is known when the request begins (semantic conventions 1.38, HTTP server). */
function requestAttributes(
  request: RequestView,
  place: CompileContext['place'],
): Record<string, string | number> {
  const { method, path, scheme, authority, host, clientAddress, peerAddress } = request
  const port = /:(\d{1,5})$/.exec(authority)?.[1]
  const userAgent = request.field('user-agent')
  const isKnown = methods.has(method)
  return {
    'http.request.method': isKnown ? method : '_OTHER',
    ...(isKnown ? {} : { 'http.request.method_original': method }),
    'url.path': path,
    'url.scheme': scheme,
    'http.route': place.path,
    'server.address': host,
    ...(port === undefined ? {} : { 'server.port': Number(port) }),
    'client.address': clientAddress,
    'network.peer.address': peerAddress,
    ...(userAgent === undefined ? {} : { 'user_agent.original': userAgent }),
    'weir.namespace': place.namespace,
    'weir.ingress': place.name,
    'weir.request_id': request.requestId,
  }
}

/** What is known when it has ended. */
function outcomeAttributes(outcome: Outcome): SpanData['attributes'] {
  const { status, failure, protocol, service, endpoint, retries } = outcome
  const type = failure || (status >= 500 ? String(status) : '')
  return {
    ...(status > 0 ? { 'http.response.status_code': status } : {}),
    'network.protocol.version': protocol.slice(protocol.indexOf('/') + 1),
    ...(type === '' ? {} : { 'error.type': type }),
    ...(service === '' ? {} : { 'weir.service': service }),
    ...(endpoint === '' ? {} : { 'weir.endpoint': endpoint }),
    ...(retries === 0 ? {} : { 'weir.retries': retries }),
  }
}
