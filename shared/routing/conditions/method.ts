// Is the request's method one of these? Methods are compared as they are, with their case (RFC 9110 §9.1).
import type { MethodCondition } from './condition.ts'
import { type ConditionKind, isToken } from './kind.ts'

/** `method`. */
export const method: ConditionKind<MethodCondition> = {
  fault({ anyOf }) {
    if (anyOf.length === 0) return 'names no method'
    const wrong = anyOf.find((name) => !isToken(name))
    return wrong === undefined ? undefined : `names '${wrong}', which is not a method`
  },
  compile({ anyOf }) {
    const [only] = anyOf
    if (anyOf.length === 1) return (request) => request.method === only
    return (request) => anyOf.includes(request.method)
  },
}
