// What does Weir answer by itself, besides failures and the answers of filters?
import type { FailureCode } from '../../shared/routing/failure.ts'
import type { Answer } from '../../shared/routing/filters/kind.ts'

const textFields: Answer['headers'] = [['Content-Type', 'text/plain; charset=utf-8']]
// RFC 9110 §15.5.6: a 405 says what may be used instead.
const methodFields: Answer['headers'] = [
  ...textFields,
  ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
]

/** Fields of a failure's page. */
export function failureFields(code: FailureCode): Answer['headers'] {
  return code === 'method-refused' ? methodFields : textFields
}

/** `OPTIONS *` asks about the server, not about a resource behind it (RFC 9110 §9.3.7). */
export const serverOptions: Answer = { status: 200, code: '', headers: [], body: '' }

const healthOk = plainAnswer(200, 'ok\n')
const healthNotSynced = plainAnswer(503, 'not synced\n')
const healthDraining = plainAnswer(503, 'draining\n')

/** Answers the load balancer's health check: 503 before the first table and while draining. */
export function healthAnswer(isSynced: boolean, isDraining: boolean): Answer {
  if (isDraining) return healthDraining
  return isSynced ? healthOk : healthNotSynced
}

function plainAnswer(status: number, body: string): Answer {
  return { status, code: '', headers: textFields, body }
}
