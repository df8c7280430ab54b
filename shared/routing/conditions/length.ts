// Is the body as long as this? A body whose length is not known before it ends has none that could be compared.
import type { LengthCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'

/** `length`. */
export const length: ConditionKind<LengthCondition> = {
  fault({ from, below }) {
    return Number.isSafeInteger(from) && Number.isSafeInteger(below) && from >= 0 && from < below
      ? undefined
      : 'needs two whole numbers of bytes, the first below the second'
  },
  compile({ from, below }) {
    return ({ bodyLength }) => bodyLength !== undefined && bodyLength >= from && bodyLength < below
  },
}
