// What a client reads when Weir itself answers with a failure: three short lines, one of them for machines.
import { type FailureCode, failures } from '../../shared/routing/failure.ts'

/**
 * The text/plain body for a failure: status and code, a sentence, and the request id where there is one.
 * All ASCII, so its length in characters is its length in bytes.
 */
export function errorPage(code: FailureCode, requestId?: string): string {
  const { status, text } = failures[code]
  const page = `${status} ${code}\n${text}\n`
  return requestId === undefined || requestId === '' ? page : `${page}Request id: ${requestId}\n`
}
