// Which paths do the rules of an Ingress have, as they are written? Nothing about an Ingress's shape is taken for granted.
import type { Ingress } from '../../../kube/objects.ts'

/** Lists the paths of all rules; what is not text is listed as it is. */
export function rulePathsOf(ingress: Ingress): readonly unknown[] {
  const rules: unknown = ingress.spec?.rules
  if (!Array.isArray(rules)) return []
  return rules.flatMap((rule) => {
    const paths: unknown = rule?.http?.paths
    return Array.isArray(paths) ? paths.map((path): unknown => path?.path) : []
  })
}

/** Says whether a path has characters that are in no path meant literally. */
export function isPatternOnly(path: unknown): boolean {
  return typeof path === 'string' && /[\\^$|?*+()[\]{}]/.test(path)
}
