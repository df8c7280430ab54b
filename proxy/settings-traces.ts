// What can be set about traces? Rows of the proxy's options (settings-table.ts).
import { boolean, httpUrl, share, text } from '../shared/options-kinds.ts'
import { option, optional } from '../shared/options-table.ts'

const group = 'Traces'

export const traceOptions = {
  otlpEndpoint: optional(httpUrl, {
    group,
    absent: 'off',
    help: 'Traces requests, and sends the spans of sampled ones to this collector of OpenTelemetry, as OTLP over HTTP at URL/v1/traces. The ConfigMap’s otel keys are stronger.',
  }),
  traceRatio: option(share, {
    group,
    default: 1,
    help: 'Samples this share of the traces that begin here.',
  }),
  traceIncoming: option(boolean, {
    group,
    default: true,
    help: 'Goes on with the trace that a request brings (W3C traceparent), sampled as its sender decided; without it each request begins a trace.',
  }),
  traceService: option(text('NAME'), {
    group,
    default: 'weir',
    likes: { 'ingress-nginx': 'nginx' },
    help: 'Names this proxy in traces (service.name).',
  }),
}
