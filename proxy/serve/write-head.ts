// How does the head of a response leave: an upstream's, or Weir's own?
import type { Answer, FieldLines } from '../../shared/routing/filters/kind.ts'
import type { ClientStream } from '../http/stream.ts'
import { applyEdits } from './field-changes.ts'
import type { Filtering } from './filtering.ts'
import { reasonOf, serverLine } from './own-answers.ts'
import type { HeadFacts } from './response-filter.ts'
import type { WorkerState } from './worker-state.ts'

/** Writes an upstream's head as the filters changed it. */
export function writeHead(
  worker: WorkerState,
  client: ClientStream,
  filters: Filtering | undefined,
  head: HeadFacts,
  status: number,
  lines: FieldLines,
  bodyLength: number | undefined,
): void {
  const edits = filters?.responseEdits(false)
  let fields = applyEdits(lines, edits)
  // RFC 9110 §6.6.1: a recipient with a clock adds a Date that is missing.
  if (!head.hasDate && edits?.dropped.has('date') !== true) fields += worker.dateLine
  if (!head.hasServer && edits?.dropped.has('server') !== true) fields += serverLine
  const reason = status === head.status ? head.reason : reasonOf(status)
  client.begin(status, reason, fields, bodyLength, head.upgrade)
}

/** Writes a whole response of Weir's own. */
export function writeOwn(
  worker: WorkerState,
  client: ClientStream,
  filters: Filtering | undefined,
  status: number,
  lines: FieldLines,
  body: Answer['body'],
): void {
  const fields = applyEdits(lines, filters?.responseEdits(true)) + worker.dateLine + serverLine
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const length = client.isHead ? 0 : bytes.length
  client.begin(status, reasonOf(status), fields, length, '')
  if (length > 0) client.write(bytes)
}
