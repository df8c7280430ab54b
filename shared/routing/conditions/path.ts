// Has the path this form? For patterns of paths that are asked beside the path of a route, or instead of one.
import { decodedPath } from '../path.ts'
import type { PathCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'
import { compileText, faultOfText } from './text-match.ts'

/** `path`. */
export const path: ConditionKind<PathCondition> = {
  fault: ({ pattern }) => faultOfText({ kind: 'regex', pattern }),
  compile({ pattern }) {
    const test = compileText({ kind: 'regex', pattern })
    return (request) => test(decodedPath(request.path))
  },
}
