// Does the first cookie of that name have this value? Values are compared as they were sent: nothing is decoded (RFC 6265 §4.2.2).
import { unquoted } from '../../cookies.ts'
import type { TextCondition } from './condition.ts'
import { type ConditionKind, isToken } from './kind.ts'
import { compileBytes, faultOfText } from './text-match.ts'

// RFC 6265 §5.4 sends `name=value` between `; `: a value has no `;`, no control characters, no white space around it.
const cookieValue = /^(?:[^\p{Cc}\s;](?:[^\p{Cc};]*[^\p{Cc}\s;])?)?$/u

/** `cookie`. */
export const cookie: ConditionKind<TextCondition> = {
  fault({ name, text }) {
    if (!isToken(name)) return `names '${name}', which is not a cookie name`
    if (text.kind === 'exact' && !cookieValue.test(text.text)) {
      return `asks for a value of '${name}' that no cookie can have: no ';', no white space around it`
    }
    return faultOfText(text)
  },
  compile({ name, text, each }) {
    const test = compileBytes(text)
    if (each === true) {
      return (request) => {
        const value = request.cookie(name)
        return test(value === undefined ? undefined : unquoted(value))
      }
    }
    return (request) => test(request.cookie(name))
  },
}
