// Does a header have a value of which only the hash is known? For secrets that are not to stand in a route.
import { createHash } from 'node:crypto'
import { unseenFields } from '../unseen-fields.ts'
import type { HashCondition } from './condition.ts'
import { type ConditionKind, isToken } from './kind.ts'

const sum = /^[0-9a-fA-F]{64}$/

/** `hash`. */
export const hash: ConditionKind<HashCondition> = {
  fault({ name, anyOf }) {
    if (!isToken(name) || unseenFields.has(name))
      return `names '${name}', which is no header to ask for`
    if (anyOf.length === 0) return 'has no SHA-256 sum'
    const wrong = anyOf.find((each) => !sum.test(each))
    return wrong === undefined ? undefined : `has '${wrong}', which is no SHA-256 sum in hex`
  },
  compile({ name, anyOf }) {
    const sums = new Set(anyOf.map((each) => each.toLowerCase()))
    return (request) =>
      request
        .values(name)
        .some((value) => sums.has(createHash('sha256').update(value, 'latin1').digest('hex')))
  },
}
