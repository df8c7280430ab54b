// What `/routes` shows: the table that is being served, by host, one route per line, in pieces.
// Invariant: 16,000 routes never block the thread that also feeds the workers: a piece holds at most `routesPerPiece`.
import { formatHostPort } from '../../../shared/host-port.ts'
import type { Problem } from '../../../shared/problem.ts'
import type { ForwardBackend } from '../../../shared/routing/backend.ts'
import { entriesOf, getEntry, type ShardedMap } from '../../../shared/routing/sharded-map.ts'
import {
  type Route,
  type RouteTable,
  serviceOf,
  type Upstream,
} from '../../../shared/routing/table.ts'

/** What the admin port may show. */
export interface AdminRoutes {
  readonly table: RouteTable
  readonly problems: readonly Problem[]
}

/** Which part of it is asked for. */
export interface RoutesQuery {
  /** Only routes with exactly this host, in any case: `a.test`, `*.a.test`, or empty for routes without a host. */
  readonly host: string | undefined
  /** Only the problems. */
  readonly problemsOnly: boolean
}

const routesPerPiece = 200

/** Gives the JSON of `/routes`: `{"routes":[…],"fallback":…,"problems":[…]}`, each element on its own line. */
export function* routesJson({ table, problems }: AdminRoutes, query: RoutesQuery) {
  yield '{'
  if (!query.problemsOnly) {
    const { hosts, upstreams, fallback } = table
    const host = query.host?.toLowerCase()
    const names = host === undefined ? [...entriesOf(hosts)].map(([name]) => name).sort() : [host]
    yield '"routes":['
    yield* elements(routesOf(hosts, names), (route) => routeFields(route, upstreams))
    yield '],\n'
    if (fallback !== undefined) {
      yield `"fallback":${JSON.stringify(routeFields(fallback, upstreams))},\n`
    }
  }
  yield '"problems":['
  yield* elements(problems, (problem) => problem)
  yield ']}\n'
}

function* routesOf(hosts: RouteTable['hosts'], names: readonly string[]) {
  for (const name of names) yield* getEntry(hosts, name) ?? []
}

function* elements<T>(list: Iterable<T>, toFields: (element: T) => object) {
  let piece = ''
  let count = 0
  for (const element of list) {
    piece += `${count === 0 ? '\n' : ',\n'}${JSON.stringify(toFields(element))}`
    count += 1
    if (count % routesPerPiece > 0) continue
    yield piece
    piece = ''
  }
  yield piece
}

function routeFields(route: Route, upstreams: ShardedMap<Upstream>): object {
  const { owner, match, filters, backend } = route
  return {
    host: match.host,
    path: match.path,
    type: match.pathType,
    ...(match.conditions.length === 0 ? {} : { conditions: match.conditions }),
    namespace: owner.namespace,
    ingress: owner.name,
    service: serviceOf(route),
    ...(filters.length === 0 ? {} : { filters }),
    ...(backend.kind === 'forward' ? forwardFields(backend, upstreams) : { backend }),
  }
}

/** The first choice beside the route's own fields, since nearly every route has no other. */
function forwardFields(
  { kind, choices, alternative, ...rules }: ForwardBackend,
  upstreams: ShardedMap<Upstream>,
): object {
  const other = alternative && {
    alternative: { ...alternative, ...choiceFields(alternative.upstream, upstreams) },
  }
  const [first, ...others] = choices
  const asked = {
    ...other,
    ...(Object.keys(rules).length === 0 ? {} : { backend: { kind, ...rules } }),
  }
  if (first === undefined) return { choices, ...asked }
  if (others.length === 0) return { ...choiceFields(first.upstream, upstreams), ...asked }
  const all = choices.map((choice) => ({ ...choice, ...choiceFields(choice.upstream, upstreams) }))
  return { choices: all, ...asked }
}

function choiceFields(key: string, upstreams: ShardedMap<Upstream>): object {
  const upstream = getEntry(upstreams, key)
  return {
    upstream: key,
    endpoints: upstream?.endpoints.map(({ address, port }) => formatHostPort(address, port)) ?? [],
    ...(upstream?.externalName === undefined ? {} : { externalName: upstream.externalName }),
  }
}
