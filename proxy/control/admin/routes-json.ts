// What `/routes` shows: the table that is being served, one route per line, in pieces.
// Invariant: 16,000 routes never block the thread that also feeds the workers: a piece holds at most `routesPerPiece`.
import type { Problem } from '../../../shared/problem.ts'
import type { Endpoint, Route, RouteTable, Upstream } from '../../../shared/routing/table.ts'

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
    const upstreams = new Map(table.upstreams.map((upstream) => [upstream.key, upstream]))
    const host = query.host?.toLowerCase()
    const routes =
      host === undefined ? table.routes : table.routes.filter((route) => route.host === host)
    yield '"routes":['
    yield* elements(routes, (route) => routeFields(route, upstreams.get(route.upstream)))
    yield '],\n'
    if (table.fallback !== undefined) {
      const upstream = upstreams.get(table.fallback.upstream)
      yield `"fallback":${JSON.stringify(routeFields(table.fallback, upstream))},\n`
    }
  }
  yield '"problems":['
  yield* elements(problems, (problem) => problem)
  yield ']}\n'
}

function* elements<T>(list: readonly T[], toFields: (element: T) => object) {
  for (let start = 0; start < list.length; start += routesPerPiece) {
    let piece = ''
    for (const [i, element] of list.slice(start, start + routesPerPiece).entries()) {
      piece += `${start + i === 0 ? '\n' : ',\n'}${JSON.stringify(toFields(element))}`
    }
    yield piece
  }
}

function routeFields(route: Route, upstream: Upstream | undefined): object {
  const { host, path, pathType, namespace, ingress, service, policy } = route
  return {
    host,
    path,
    type: pathType,
    namespace,
    ingress,
    service,
    upstream: route.upstream,
    endpoints: upstream?.endpoints.map(addressText) ?? [],
    ...(upstream?.externalName === undefined ? {} : { externalName: upstream.externalName }),
    ...(policy === undefined ? {} : { policy }),
  }
}

function addressText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
