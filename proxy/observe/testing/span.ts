// A span for tests: a request that went well, of nobody's trace.
import type { SpanData } from '../../../shared/routing/span.ts'

export const span: SpanData = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
  state: '',
  name: 'GET /',
  startMs: 0,
  durationMs: 1,
  attributes: {},
  isError: false,
}
