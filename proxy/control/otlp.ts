// How do spans get to a collector? As OTLP over HTTP, by OpenTelemetry's SDK: its batches, its tries, its encoding.
// The only file that imports it, and loaded only when spans are exported.
//
// Its own environment variables for what no option says count: OTEL_EXPORTER_OTLP_HEADERS, _COMPRESSION, _CERTIFICATE.
import { createTraceState, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace'
import type { SpanData } from '../../shared/routing/span.ts'
import type { SpanExporter, SpanReport, SpanTarget } from './span-export.ts'

// The collector has this long for a batch, tries included.
const exportMs = 10_000
// Of a proxy that leaves.
const stopMs = 2000

/** Opens the way to a collector. */
export function openOtlpExporter(target: SpanTarget, report: SpanReport): SpanExporter {
  const { endpoint, serviceName, version, maxQueue, delayMs, maxBatch } = target
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
  })
  const scope = { name: 'weir', version }
  const client = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    timeoutMillis: exportMs,
    concurrencyLimit: 4,
  })
  let waiting = 0
  const processor = new BatchSpanProcessor({
    exporter: {
      export(spans, onResult) {
        waiting -= spans.length
        client.export(spans, (result) => {
          if (result.error === undefined) report.onExported(spans.length)
          else report.onDropped(spans.length, 'export', result.error.message)
          onResult(result)
        })
      },
      shutdown: () => client.shutdown(),
    },
    maxQueueSize: maxQueue,
    maxExportBatchSize: Math.min(maxBatch, maxQueue),
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: exportMs * 2,
  })

  return {
    add(spans) {
      const taken = Math.max(0, Math.min(spans.length, maxQueue - waiting))
      waiting += taken
      for (const span of spans.slice(0, taken)) processor.onEnd(readable(span, resource, scope))
      if (taken < spans.length) report.onDropped(spans.length - taken, 'queue', '')
    },
    async stop() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, stopMs)
      // A rejection was reported batch by batch.
      processor.shutdown().then(resolve, () => resolve())
      await promise
      clearTimeout(timer)
    },
  }
}

/** A span as the SDK's exporters read it. */
function readable(
  { traceId, spanId, parentId, state, name, startMs, durationMs, attributes, isError }: SpanData,
  resource: ReadableSpan['resource'],
  instrumentationScope: ReadableSpan['instrumentationScope'],
): ReadableSpan {
  const traceFlags = TraceFlags.SAMPLED
  const traceState = state === '' ? {} : { traceState: createTraceState(state) }
  const context = { traceId, spanId, traceFlags, ...traceState }
  const parent = { traceId, spanId: parentId, traceFlags, isRemote: true }
  return {
    name,
    kind: SpanKind.SERVER,
    spanContext: () => context,
    ...(parentId === '' ? {} : { parentSpanContext: parent }),
    startTime: highResolution(startMs),
    endTime: highResolution(startMs + durationMs),
    duration: highResolution(durationMs),
    status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Seconds and nanoseconds. */
function highResolution(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}
