// Does a header field of the request have this value? Several lines of one name are one value, joined by `, ` (RFC 9110 §5.3).
import { unseenFields } from '../unseen-fields.ts'
import type { TextCondition } from './condition.ts'
import { type ConditionKind, isToken } from './kind.ts'
import { compileBytes, faultOfText } from './text-match.ts'

// RFC 9110 §5.5: no control characters, no white space around it.
const fieldValue = /^(?:[^\p{Cc}\s](?:[^\p{Cc}\n]*[^\p{Cc}\s])?)?$/u

/** `header`. */
export const header: ConditionKind<TextCondition> = {
  fault({ name, text }) {
    if (!isToken(name) || name !== name.toLowerCase()) {
      return `names '${name}', which is not a header name in lower case`
    }
    if (name === 'host') return "names 'host': write the host in the rule"
    if (unseenFields.has(name)) {
      return `names '${name}', which belongs to the connection and not to the request`
    }
    if (text.kind === 'exact' && !fieldValue.test(text.text)) {
      return `asks for a value of '${name}' that no header can have: a line without white space around it`
    }
    return faultOfText(text)
  },
  compile({ name, text, each }) {
    const test = compileBytes(text)
    if (each === true) return (request) => request.values(name).some(test)
    return (request) => test(request.field(name))
  },
}
