// What does Weir answer by itself, besides failures and the answers of policies?
import type { Answer } from './policy/compiled.ts'

/** Fields of a plain text body. */
export const textFields: Answer['headers'] = [['Content-Type', 'text/plain; charset=utf-8']]

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
