// What does Weir answer by itself where the request is one of gRPC?
import { failures, isFailureCode } from '../../shared/routing/failure.ts'
import { dropStatus } from '../../shared/routing/filters/answers.ts'
import type { Answer, FieldLines } from '../../shared/routing/filters/kind.ts'
import { grpcStatusOf, isGrpc, trailersOnly } from '../http/grpc.ts'
import { reasonOf } from '../http/reasons.ts'
import type { RequestHead } from '../http/stream.ts'
import { failureAnswer, healthAnswer } from './own-answers.ts'

/**
 * Where an ALB asks a target group of gRPC whether it is healthy, unless it is told another path; and what it then wants to
 * hear is that there is no such method: code 12 (AWS: target groups, "Health checks", HealthCheckPath and Matcher).
 */
export const grpcHealthPath = '/AWS.ALB/healthcheck'

/** Answers the ALB's own health check: as it expects it, but unavailable when the other health path would say so. */
export function grpcHealthAnswer(isSynced: boolean, isDraining: boolean): Answer {
  return isSynced && !isDraining ? failureAnswer('no-route') : healthAnswer(isSynced, isDraining)
}

/** The field lines that a client of gRPC gets for an answer of Weir's own; undefined: it is none, or gets no answer at all. */
export function grpcLines(
  { fields }: RequestHead,
  status: number,
  code: string,
  lines: FieldLines,
): FieldLines | undefined {
  if (status === dropStatus || !isGrpc(fields)) return undefined
  const message = isFailureCode(code) ? failures[code].text : reasonOf(status)
  return trailersOnly(grpcStatusOf(status, code), message, lines)
}
