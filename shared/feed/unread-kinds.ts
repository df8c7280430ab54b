// Which objects in manifests does nobody read, although somebody may have written them to route something?
//
// Invariant: each kind is said once, however many objects and files there are; what Kubernetes itself is for (Deployments,
// ConfigMaps, roles …) is passed over in silence: a folder may hold whole applications.
import type { Problem } from '../problem.ts'

/** The objects of one kind and version that one file holds, or all files. */
export interface UnreadKind {
  readonly apiVersion: string
  readonly kind: string
  readonly count: number
  /** The first of them. */
  readonly namespace: string
  readonly name: string
  readonly path: string
}

/** Joins what files hold; the first example of each kind stays. */
export function joinUnread(lists: Iterable<readonly UnreadKind[]>): readonly UnreadKind[] {
  const joined = new Map<string, UnreadKind>()
  for (const list of lists) {
    for (const unread of list) {
      const key = `${unread.apiVersion} ${unread.kind}`
      const known = joined.get(key)
      const count = (known?.count ?? 0) + unread.count
      joined.set(key, { ...(known ?? unread), count })
    }
  }
  return [...joined.values()]
}

/** Says one kind. */
export function unreadProblem(unread: UnreadKind): Problem {
  const { apiVersion, kind, count, namespace, name, path } = unread
  return {
    reason: 'unread-kind',
    kind,
    namespace,
    name,
    field: '',
    message: `Objects of kind ${kind} (${apiVersion}) are not read: ${count} of them, the first is ${name} in ${path}.`,
    remedy:
      'If they are to route requests, write them as Ingress objects; else leave them: they harm nothing.',
  }
}

/** Groups of Kubernetes' own that have no dot; all others but one end in `.k8s.io`. */
const ownGroups: ReadonlySet<string> = new Set(['', 'apps', 'autoscaling', 'batch', 'policy'])

/** True for what may ask for routes: everything that is not a part of Kubernetes itself. Gateway API only sounds like one. */
export function isWorthSaying(apiVersion: string): boolean {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  if (group === 'gateway.networking.k8s.io') return true
  return !ownGroups.has(group) && !group.endsWith('.k8s.io')
}
