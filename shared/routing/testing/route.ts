// A route in short, for tests: host `a.test`, path `/`, Prefix, to port 80 of Service `web`, unless said otherwise.
import type { AnswerBackend, ClosedBackend, ForwardBackend } from '../backend.ts'
import type { Condition } from '../conditions/condition.ts'
import type { Filter } from '../filters/kind.ts'
import type { PathType, Route } from '../table.ts'

/** A filter of any kind, written out. */
export type FilterSketch = Filter & Readonly<Record<string, unknown>>

/** What differs from the usual route. */
export interface RouteSketch {
  readonly host?: string
  readonly path?: string
  readonly pathType?: PathType
  readonly conditions?: readonly Condition[]
  readonly weight?: number
  readonly filters?: readonly FilterSketch[]
  readonly service?: string
  /** Another backend, or what a forwarding one has besides its choice. */
  readonly backend?: Partial<Omit<ForwardBackend, 'kind'>> | AnswerBackend | ClosedBackend
  readonly namespace?: string
  readonly name?: string
}

/** Makes the route of a sketch. Its upstream's key is `namespace/service:80`. */
export function routeOf(sketch: RouteSketch = {}): Route {
  const { host = 'a.test', path = '/', pathType = 'Prefix', service = 'web' } = sketch
  const { namespace = 'default', name = 'rules', backend = {} } = sketch
  const choices = [{ upstream: `${namespace}/${service}:80`, service, weight: 1 }]
  return {
    owner: { kind: 'Ingress', namespace, name },
    match: {
      host,
      pathType,
      path,
      conditions: sketch.conditions ?? [],
      ...(sketch.weight === undefined ? {} : { weight: sketch.weight }),
    },
    filters: sketch.filters ?? [],
    backend:
      'kind' in backend
        ? { ...backend, ...(backend.kind === 'closed' ? { service } : {}) }
        : { kind: 'forward', choices, ...backend },
  }
}
