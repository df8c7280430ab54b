// What to tell the owner of a cluster whose rules do not let us read a kind of object.
import type { Problem } from '../problem.ts'
import type { KubeError } from './error.ts'
import { type KubeResource, qualifiedName, resourceGroup } from './resources.ts'

/** The problem behind a 401 or 403, with the rule to add, or `remedy` for a 403; undefined for other errors. */
export function permissionProblem(
  error: KubeError,
  verb: 'list' | 'watch',
  resource: KubeResource,
  namespace: string | undefined,
  remedy?: string,
): Problem | undefined {
  if (error.status !== 401 && error.status !== 403) return undefined
  const where = resource.namespaced && namespace !== undefined ? namespace : ''
  const scope = where === '' ? 'in the whole cluster' : `in the namespace ${where}`
  const rule = `{apiGroups: ["${resourceGroup(resource)}"], resources: ["${resource.plural}"], verbs: ["list", "watch"]}`
  return {
    reason: 'missing-permission',
    kind: resource.kind,
    namespace: where,
    name: '',
    field: '',
    message:
      error.status === 401
        ? `The API server does not accept our credentials (verb ${verb}, ${qualifiedName(resource)}): ${error.message}.`
        : `We may not ${verb} ${qualifiedName(resource)} ${scope}: ${error.message}.`,
    remedy:
      error.status === 401
        ? 'Check that the service account exists and that its token file, or the kubeconfig, is fresh.'
        : (remedy ?? `Add the rule ${rule} to our ${where === '' ? 'ClusterRole' : 'Role'}.`),
  }
}
