// Which routes of an Ingress that has TLS passed through are a whole host? An unread connection has neither path nor fields.
import type { Passthrough } from '../../backend.ts'
import type { PathType } from '../../table.ts'

/** Takes the wish from the backend of a route that is no whole host. */
export function passthroughAt<Terms extends { readonly passthrough?: Passthrough }>(
  backend: Terms,
  path: string,
  pathType: PathType,
  hasConditions: boolean,
): Omit<Terms, 'passthrough'> & Pick<Terms, 'passthrough'> {
  const { passthrough, ...rest } = backend
  const isWhole = path === '/' && pathType !== 'Exact' && !hasConditions
  return passthrough === undefined || isWhole ? backend : rest
}
