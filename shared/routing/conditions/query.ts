// Does the first query parameter of that name have this value? Names and values are compared decoded (../query-parameter.ts).
import { firstParameter } from '../query-parameter.ts'
import type { TextCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'
import { compileText, faultOfText } from './text-match.ts'

/** `query`. */
export const query: ConditionKind<TextCondition> = {
  fault({ name, text }) {
    return name === '' ? 'names no query parameter' : faultOfText(text)
  },
  compile({ name, text }) {
    const test = compileText(text)
    return (request) => test(firstParameter(request.query, name))
  },
}
