// Are the requests of a route in the access log? The filter acts on none of them: the worker reads it when it builds the route.
import type { Filter, FilterKind } from './kind.ts'

/** Keeps a route's requests out of the access log, or in it. */
export interface AccessLogFilter extends Filter {
  readonly kind: 'access-log'
  readonly isOn: boolean
}

export const accessLogKind: FilterKind<AccessLogFilter> = {
  kind: 'access-log',
  defaults: { isOn: true },
  fault: () => undefined,
  compile: () => ({}),
}

/** Says of a route's filters that its requests are not logged. */
export function isUnlogged(filters: readonly Filter[]): boolean {
  return filters.some((filter) => filter.kind === 'access-log' && 'isOn' in filter && !filter.isOn)
}
