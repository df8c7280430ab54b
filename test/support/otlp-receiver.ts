// A collector of traces for tests: takes OTLP over HTTP in JSON, as opentelemetry-proto writes it, and keeps the spans.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** One span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  /** 2: server. */
  readonly kind: number
  readonly startNano: bigint
  readonly endNano: bigint
  /** 0: unset, 2: error. */
  readonly status: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Attributes of the resource. */
  readonly resource: Readonly<Record<string, string | number>>
}

/** What a collector does with a batch: takes it, refuses it with a status, or never answers. */
export type Mood = 'takes' | 'silent' | number

export interface OtlpReceiver {
  readonly url: string
  readonly port: number
  readonly spans: readonly ReceivedSpan[]
  /** Requests so far, whatever became of them. */
  readonly requests: number
  mood: Mood
  close(): Promise<void>
}

interface Pair {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number }
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Pair[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly traceState?: string
        readonly name: string
        readonly kind: number
        readonly startTimeUnixNano: string
        readonly endTimeUnixNano: string
        readonly status: { readonly code?: number }
        readonly attributes: readonly Pair[]
      }[]
    }[]
  }[]
}

/** Starts a collector on a port of 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const server = createServer(async (request, response) => {
    receiver.requests += 1
    const body = await text(request)
    if (receiver.mood === 'silent') return
    const isTaken = receiver.mood === 'takes' && request.url === '/v1/traces'
    if (isTaken) spans.push(...readBatch(body))
    const status = receiver.mood === 'takes' ? (isTaken ? 200 : 404) : receiver.mood
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const receiver = {
    url: `http://127.0.0.1:${port}`,
    port,
    spans,
    requests: 0,
    mood: 'takes' as Mood,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return receiver
}

function readBatch(body: string): ReceivedSpan[] {
  const { resourceSpans }: Batch = JSON.parse(body)
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap((scope) => scope.spans)
      .map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        traceState: span.traceState ?? '',
        name: span.name,
        kind: span.kind,
        startNano: BigInt(span.startTimeUnixNano),
        endNano: BigInt(span.endTimeUnixNano),
        status: span.status.code ?? 0,
        attributes: recordOf(span.attributes),
        resource: recordOf(resource.attributes),
      })),
  )
}

function recordOf(pairs: readonly Pair[]): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  )
}
