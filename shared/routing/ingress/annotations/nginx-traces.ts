// The annotations of ingress-nginx about traces and logs: is the Ingress traced, does it go on with traces of clients, how are
// spans named, are its requests in the access log?
import type { TraceWishes } from '../defaults.ts'
import type { Draft } from './draft.ts'
import { parseNginxText } from './nginx-text.ts'
import { type Row, supported } from './row.ts'
import { parseBool } from './values.ts'

function wish<K extends keyof TraceWishes>(name: K) {
  return (value: TraceWishes[K], { trace }: Draft): Partial<Draft> => ({
    trace: { ...trace, [name]: value },
  })
}

const logKey = 'nginx.ingress.kubernetes.io/enable-access-log'

/** The rows of traces and logs. */
export const traceRows: readonly Row[] = [
  supported(
    'enable-access-log',
    'bool',
    'With `false` requests are not in the access log; they are counted in metrics.',
    parseBool,
    (isOn, { filters }) => ({
      filters: { ...filters, 'access-log': { parts: { isOn }, key: logKey } },
    }),
  ),
  supported(
    'enable-opentelemetry',
    'bool',
    'Requests are traced, or not, whatever the ConfigMap and `--otlp-endpoint` say of all Ingresses: the upstream gets `traceparent` with a span of Weir’s own, and sampled spans go to the collector.',
    parseBool,
    wish('isOn'),
  ),
  supported(
    'opentelemetry-trust-incoming-span',
    'bool',
    'A trace that a request brings (`traceparent`, `tracestate`) goes on; with `false` each request begins a new one.',
    parseBool,
    wish('trustsIncoming'),
  ),
  supported(
    'opentelemetry-operation-name',
    'text with variables',
    'Name of the spans, with the variables of nginx that `auth-url` knows; absent: method and path of the rule.',
    parseNginxText,
    wish('name'),
  ),
]
