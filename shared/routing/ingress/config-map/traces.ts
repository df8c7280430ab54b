// Keys of the ConfigMap about traces: which requests are traced, and which collector gets their spans.
import { isIP } from 'node:net'
import type { SpanRules } from '../../serving-rules.ts'
import { parseWhole } from '../annotations/filter-values.ts'
import { parseNginxText } from '../annotations/nginx-text.ts'
import { accept, type Parser, parseBool, parseChoice, refuse } from '../annotations/values.ts'
import type { IngressDefaults, TraceWishes } from '../defaults.ts'
import { type ConfigMapRow, differs, heldBy, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

function wish<K extends keyof TraceWishes>(name: K) {
  return (value: TraceWishes[K], { trace }: IngressDefaults): Partial<IngressDefaults> =>
    value === undefined ? {} : { trace: { ...trace, [name]: value } }
}

function spans<K extends keyof SpanRules>(name: K) {
  return (value: SpanRules[K], { serving }: IngressDefaults): Partial<IngressDefaults> =>
    value === undefined
      ? {}
      : { serving: { ...serving, spans: { ...serving?.spans, [name]: value } } }
}

const parseHost: Parser<string> = (text) =>
  isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text)
    ? accept(text)
    : refuse('must be the name or the address of a host, without scheme and port')

const parseName: Parser<string> = (text) =>
  /^[!-~][ -~]{0,254}$/.test(text) ? accept(text) : refuse('must be a name of visible characters')

const parseRatio: Parser<number> = (text) => {
  const ratio = /^\d{1,3}(?:\.\d{1,12})?$/.test(text) ? Number(text) : 2
  return ratio <= 1 ? accept(ratio) : refuse('must be a number from 0 to 1')
}

const samplers = { AlwaysOn: 'on', AlwaysOff: 'off', TraceIdRatioBased: 'ratio' } as const

// Of gRPC, which Weir does not send spans by.
const grpcPort = 4317
const httpPort = 4318

export const traceKeys: readonly ConfigMapRow[] = [
  heldBy(
    'otlp-endpoint',
    supportedKey(
      'enable-opentelemetry',
      'bool',
      'false',
      'Requests of all Ingresses are traced; an annotation of the same name is stronger.',
      parseBool,
      wish('isOn'),
    ),
  ),
  heldBy(
    'trace-incoming',
    supportedKey(
      'opentelemetry-trust-incoming-span',
      'bool',
      'true',
      'A trace that a request brings (`traceparent`) goes on; with `false` each request begins a new one.',
      parseBool,
      wish('trustsIncoming'),
    ),
  ),
  supportedKey(
    'opentelemetry-operation-name',
    'text with variables',
    '',
    'Name of the spans, as the annotation; absent: method and path of the rule.',
    (text) => (text === '' ? accept(undefined) : parseNginxText(text)),
    wish('name'),
  ),
  supportedKey(
    'otlp-collector-host',
    'host',
    '',
    'The collector that gets the spans, by http; absent: that of `--otlp-endpoint`.',
    orEmpty<string | undefined>(parseHost, undefined),
    spans('host'),
  ),
  differs(
    supportedKey(
      'otlp-collector-port',
      'number',
      '4317',
      'Its port. Differs: spans go as OTLP over HTTP, so 4317, the port of gRPC, means 4318, which collectors open beside it.',
      orEmpty<number | undefined>(parseWhole(1, 65_535), undefined),
      (port, defaults) => spans('port')(port === grpcPort ? httpPort : port, defaults),
    ),
  ),
  heldBy(
    'trace-service',
    supportedKey(
      'otel-service-name',
      'name',
      'nginx',
      'Names this proxy in traces (service.name).',
      parseName,
      spans('serviceName'),
    ),
  ),
  heldBy(
    'trace-ratio',
    supportedKey(
      'otel-sampler',
      '`AlwaysOn`, `AlwaysOff`, `TraceIdRatioBased`',
      'AlwaysOn',
      'Which of the traces that begin here are sampled.',
      orEmpty<TraceWishes['sampler']>(parseChoice(samplers), undefined),
      wish('sampler'),
    ),
  ),
  supportedKey(
    'otel-sampler-ratio',
    'number from 0 to 1',
    '',
    'The share of `TraceIdRatioBased`; absent: 0.01.',
    orEmpty<number | undefined>(parseRatio, undefined),
    wish('ratio'),
  ),
  supportedKey(
    'otel-sampler-parent-based',
    'bool',
    'true',
    'A trace that a request brings is sampled as its sender decided.',
    orEmpty<boolean | undefined>(parseBool, undefined),
    wish('isParentBased'),
  ),
  supportedKey(
    'otel-max-queuesize',
    'number',
    '2048',
    'As many spans wait for the collector at most. More are dropped and counted.',
    orEmpty<number | undefined>(parseWhole(1, 100_000), undefined),
    spans('maxQueue'),
  ),
  supportedKey(
    'otel-schedule-delay-millis',
    'ms',
    '5000',
    'How long a span waits for others.',
    orEmpty<number | undefined>(parseWhole(1, 600_000), undefined),
    spans('delayMs'),
  ),
  supportedKey(
    'otel-max-export-batch-size',
    'number',
    '512',
    'As many spans go at once.',
    orEmpty<number | undefined>(parseWhole(1, 100_000), undefined),
    spans('maxBatch'),
  ),
]
