// Which cases share a proxy? Those with the same options and configuration, unless a case would be noticed by others.

import type { KubeObject } from '../../shared/kube/objects.ts'
import { type AnnotationCase, isIngress } from './case.ts'

/** Most cases that one proxy has at a time. */
const most = 80

/** Groups of cases, each for one proxy; large ones first. */
export function groupsOf(cases: readonly AnnotationCase[]): readonly (readonly AnnotationCase[])[] {
  const byNeed = Map.groupBy(cases, (each) => {
    const { id, options = {}, config = {} } = each
    return JSON.stringify(isAlone(each) ? id : [options, config])
  })
  return [...byNeed.values()].flatMap(parts).sort((one, other) => other.length - one.length)
}

function isAlone({ alone = false, steps, objects }: AnnotationCase): boolean {
  const all = [...objects, ...steps.flatMap(({ apply = [] }) => apply)]
  const touchesAll = steps.some(
    ({ signal, config }) => signal !== undefined || config !== undefined,
  )
  return alone || touchesAll || all.some(catchesAll)
}

/** An Ingress that takes requests for any host would take those of other cases. */
function catchesAll(object: KubeObject): boolean {
  if (!isIngress(object)) return false
  const { defaultBackend, rules = [] } = object.spec ?? {}
  return defaultBackend !== undefined || rules.some(({ host }) => host === undefined)
}

function parts(group: readonly AnnotationCase[]): readonly (readonly AnnotationCase[])[] {
  const count = Math.ceil(group.length / most)
  return Array.from({ length: count }, (_, part) => group.filter((_, at) => at % count === part))
}
