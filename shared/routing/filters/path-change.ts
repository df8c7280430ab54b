// Which path goes upstream, as Skipper's setPath and modPath have it: on what the filters before have left of it.
//
// Invariant: see target.ts; a path never climbs out of where it is put, and the query stays.

import { textOfLatin1 } from '../../latin1-text.ts'
import { compileReplaceAll } from '../pattern.ts'
import type { Filter, FilterKind, RequestView } from './kind.ts'
import { readablePath, withPath } from './target.ts'
import { compileLenient, type TemplateText } from './template.ts'

/** Changes the path that goes upstream. */
export interface PathChangeFilter extends Filter {
  readonly kind: 'path-change'
  readonly change:
    | { readonly by: 'text'; readonly text: TemplateText }
    /** All matches of the pattern in the decoded path are replaced. */
    | { readonly by: 'pattern'; readonly pattern: string; readonly replacement: string }
}

export const pathChangeKind: FilterKind<PathChangeFilter> = {
  kind: 'path-change',
  isGuard: true,
  fault({ change }) {
    if (change.by === 'text') return undefined
    const result = compileReplaceAll(change.pattern, change.replacement)
    return result.ok ? undefined : result.reason
  },
  compile({ change }, { place }) {
    const pathFor = change.by === 'text' ? byText(change.text, place.path) : byPattern(change)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          request.target = withPath(request.target, pathFor(request))
          return undefined
        },
      },
    }
  },
}

function byText(text: TemplateText, routePath: string): (request: RequestView) => string {
  const fill = compileLenient(text, routePath)
  return (request) => textOfLatin1(fill(request))
}

function byPattern(change: {
  readonly pattern: string
  readonly replacement: string
}): (request: RequestView) => string {
  const result = compileReplaceAll(change.pattern, change.replacement)
  if (!result.ok) throw new RangeError(result.reason)
  const { replace } = result
  return ({ target }) => replace(readablePath(target))
}
