// Are the requests of a route traced, and how? What the annotations say, on top of the ConfigMap and the options.
import { type TraceFilter, traceDefaults } from '../../filters/trace.ts'
import type { IngressDefaults, TraceWishes } from '../defaults.ts'
import { needsNames, type RouteNames, withNames } from './nginx-text.ts'

/** What an Ingress says about traces. */
export interface TraceDraft {
  readonly trace?: TraceWishes
}

/** The same, with what counts without it. */
interface Wishes extends TraceDraft {
  readonly defaults: IngressDefaults
}

/** The filter of a route; undefined where it is not traced. */
export function traceFilter(
  { trace, defaults }: Wishes,
  names: RouteNames,
): TraceFilter | undefined {
  const { isOn, name, ...parts } = { ...defaults.trace, ...trace }
  if (isOn !== true) return undefined
  const named = name === undefined ? {} : { name: withNames(name, names) }
  return { kind: 'trace', ...traceDefaults, ...parts, ...named }
}

/** Says whether two Services of the Ingress may have spans of different names. */
export function namesSpans({ trace, defaults }: Wishes): boolean {
  const { isOn, name } = { ...defaults.trace, ...trace }
  return isOn === true && name !== undefined && needsNames(name)
}
