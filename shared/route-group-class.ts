// Whose RouteGroup is it? The one answer that the proxy (routing) and the controller (status) share.
import type { RouteGroup } from './kube/objects.ts'

/** The annotation that names the class of a group. */
const classAnnotation = 'zalando.org/routegroup.class'

/** Tells whether a group names no class or one of ours, as in Skipper. Total: what is misshapen is not ours. */
export function isOurGroup(group: RouteGroup, classes: readonly string[]): boolean {
  if (typeof group !== 'object' || group === null) return false
  const named: unknown = group.metadata?.annotations?.[classAnnotation]
  if (named === undefined || named === '') return true
  return typeof named === 'string' && classes.includes(named)
}
