// Is the request in this part of all requests? Routes that share requests out ask for parts that lie beside each other:
// one draw decides for all of them, so the parts are exact whatever their order.
import type { ShareCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'

/** `share`. */
export const share: ConditionKind<ShareCondition> = {
  fault({ from, below }) {
    return from >= 0 && from <= below && below <= 1
      ? undefined
      : 'needs a part within 0 and 1 that does not end before it begins'
  },
  compile({ from, below }) {
    return (request) => request.draw >= from && request.draw < below
  },
}
