// Which fields of a request does its line in the access log show? Read when the head is there, and only where a format has some.
import { settledForwardedFor } from '../../shared/routing/log-format.ts'
import { fieldValue } from '../http/fields.ts'
import type { RequestFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http/stream.ts'
import type { LoggedFields } from '../observe/record.ts'

/** Reads the fields of these names (lower case) as the client sent them; what is absent is empty. */
export function readLoggedFields(
  names: readonly string[],
  head: RequestHead,
  facts: RequestFacts,
): LoggedFields {
  return { names, values: names.map((name) => readField(name, head, facts) ?? '') }
}

/** Those that Weir writes itself are not among the field lines of the head. */
function readField(name: string, head: RequestHead, facts: RequestFacts): string | undefined {
  switch (name) {
    case 'host':
      return head.authority
    case 'x-forwarded-for':
      return head.forwardedFor
    case 'x-forwarded-proto':
      return head.forwardedProto
    case 'x-forwarded-host':
      return head.forwardedHost
    case 'x-forwarded-port':
      return head.forwardedPort
    case 'x-real-ip':
      return head.realIp
    case 'x-request-id':
      return head.requestId
    case settledForwardedFor:
      return fieldValue(facts.lines, 'x-forwarded-for', ', ')
    default:
      return fieldValue(head.fields, name, ', ') ?? fieldValue(head.otherForwarded, name, ', ')
  }
}
