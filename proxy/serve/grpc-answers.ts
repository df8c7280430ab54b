// What does Weir answer by itself where the request is one of gRPC?
import { failures, isFailureCode } from '../../shared/routing/failure.ts'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { grpcStatusOf, isGrpc, trailersOnly } from '../http/grpc.ts'
import { reasonOf } from '../http/reasons.ts'
import type { RequestHead } from '../http/stream.ts'

/** The field lines that a client of gRPC gets for an answer of Weir's own; undefined: it is none, or gets no answer at all. */
export function grpcLines(
  head: RequestHead | undefined,
  status: number,
  code: string,
  lines: FieldLines,
): FieldLines | undefined {
  if (head === undefined || !isGrpc(head.fields)) return undefined
  const message = isFailureCode(code) ? failures[code].text : reasonOf(status)
  return trailersOnly(grpcStatusOf(status, code), message, lines)
}
