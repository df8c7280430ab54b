// Does the first query parameter of that name have this value? Names and values are compared decoded (../query-parameter.ts).
import { firstParameter, parametersOf } from '../query-parameter.ts'
import type { TextCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'
import { compileText, faultOfText } from './text-match.ts'

/** `query`. */
export const query: ConditionKind<TextCondition> = {
  fault({ name, text }) {
    return name === '' ? 'names no query parameter' : faultOfText(text)
  },
  compile({ name, text, each }) {
    const test = compileText(text)
    if (each === true) return (request) => parametersOf(request.query, name).some(test)
    return (request) => test(firstParameter(request.query, name))
  },
}
