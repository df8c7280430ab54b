// Which RouteGroups ask for routes? Those that are ours by their class, each read once per version of the object.

import type { RouteGroup } from '../../kube/objects.ts'
import { routeGroups } from '../../kube/resources.ts'
import { diffLists, editList } from '../../list-diff.ts'
import { isOurGroup } from '../../route-group-class.ts'
import type { EskipContext } from '../eskip/compile.ts'
import type { Reading, RouteSource, SourceOutput } from '../source.ts'
import { readRouteGroup } from './claims.ts'

/** Which groups are ours, and what the options say of all their routes. */
export interface RouteGroupSettings extends Omit<EskipContext, 'namespace'> {
  /** `--ingress-class`: a group that names no class is ours, as in Skipper. */
  readonly classes: readonly string[]
}

/** What a group of somebody else asks of us. */
const notOurs: Reading = { claims: [], problems: [] }

/** Creates the source of RouteGroups. A cluster without their CRD has none. */
export function createRouteGroupSource(settings: RouteGroupSettings): RouteSource {
  let list: readonly RouteGroup[] = []
  let output: SourceOutput = { readings: [] }

  function read(group: RouteGroup): Reading {
    return isOurGroup(group, settings.classes) ? readRouteGroup(group, settings) : notOurs
  }

  return {
    kinds: [{ resource: routeGroups, isOptional: true }],
    read(snapshot) {
      const next = snapshot.list(routeGroups)
      const edits = diffLists(list, next)
      list = next
      if (edits.length > 0) output = { readings: editList(output.readings, edits, read) }
      return output
    },
  }
}
