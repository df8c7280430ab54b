// Is it time? For routes that open or close by themselves.
import type { TimeCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'

/** `time`. */
export const time: ConditionKind<TimeCondition> = {
  fault({ fromMs, untilMs }) {
    if (!Number.isFinite(fromMs) || !Number.isFinite(untilMs)) return 'has a time that is none'
    return fromMs < untilMs ? undefined : 'ends before it begins'
  },
  compile({ fromMs, untilMs }, { wallNow }) {
    return () => {
      const now = wallNow()
      return now >= fromMs && now < untilMs
    }
  },
}
