// What does a load balancer hear that asks whether this proxy may have requests?
import type { Answer } from '../../shared/routing/filters/kind.ts'
import { isGrpc } from '../http/grpc.ts'
import type { RequestHead } from '../http/stream.ts'
import { failureAnswer } from './own-answers.ts'
import type { WorkerState } from './worker-state.ts'

/**
 * Where an ALB asks a target group of gRPC, unless it is told another path; and what it then wants to hear is that there is no
 * such method: code 12 (AWS: target groups, "Health checks", HealthCheckPath and Matcher).
 */
const grpcHealthPath = '/AWS.ALB/healthcheck'

const ok = plainAnswer(200, 'ok\n')
const notSynced = plainAnswer(503, 'not synced\n')
const draining = plainAnswer(503, 'draining\n')

/** Answers a health check: 503 before the first table and while draining. Undefined: the request is none. */
export function healthOf(
  { path, fields }: RequestHead,
  { healthPath, isSynced, isDraining }: WorkerState,
): Answer | undefined {
  const isOfGrpc = path === grpcHealthPath && isGrpc(fields)
  if (path !== healthPath && !isOfGrpc) return undefined
  if (isDraining) return draining
  if (!isSynced) return notSynced
  return isOfGrpc ? failureAnswer('no-route') : ok
}

function plainAnswer(status: number, body: string): Answer {
  const headers = [['Content-Type', 'text/plain; charset=utf-8']] as const
  return { status, code: '', headers, body }
}
