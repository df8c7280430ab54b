// Has the host this form? For patterns that are no name of a host: names are found by the host map.
import type { HostCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'
import { compileText, faultOfText } from './text-match.ts'

/** `host`. */
export const host: ConditionKind<HostCondition> = {
  fault: ({ pattern }) => faultOfText({ kind: 'regex', pattern }),
  compile({ pattern }) {
    const test = compileText({ kind: 'regex', pattern })
    return (request) => test(request.host)
  },
}
