// What does a policy answer when it refuses a request? The page that every failure of that code has.

import { errorPage } from '../error-page.ts'
import { type FailureCode, failures } from '../failure.ts'
import type { Answer } from './compiled.ts'

/** Makes the answer for a failure code, with its status from the table of failures. */
export function answerFailure(code: FailureCode): Answer {
  return {
    status: failures[code].status,
    code,
    headers: [['content-type', 'text/plain']],
    body: errorPage(code),
  }
}
