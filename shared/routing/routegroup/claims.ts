// What does one RouteGroup ask for? A list of claims, one for each route and host, before anybody compares objects.
//
// Invariant: depends on this one object and the options only, so it is read once per version of it.
// Invariant: a group of which one part has the wrong shape is closed as a whole (503), as Skipper drops it as a whole; a word of
// eskip that is not known closes its route alone. Neither changes what other objects give.
import type { RouteGroup } from '../../kube/objects.ts'
import type { Problem } from '../../problem.ts'
import { claimAll } from '../eskip/claim-all.ts'
import { closedMatches } from '../eskip/closed-matches.ts'
import {
  type CompiledRoute,
  closedRoute,
  compileRoute,
  type EskipContext,
  spreadMatches,
} from '../eskip/compile.ts'
import type { RedirectFilter } from '../filters/redirect.ts'
import { readCertificates } from '../ingress/certificates.ts'
import { identityOf, isMapping, mappingOf, type Owner, reportTo, shown, textOf } from '../shapes.ts'
import type { Claim, Reading } from '../source.ts'
import { everyHost, type Match } from '../table.ts'
import { type Group, type GroupRoute, readGroup } from './group.ts'
import { readRedirect } from './redirect.ts'

/** Reads one RouteGroup, of whatever shape. */
export function readRouteGroup(
  object: RouteGroup,
  context: Omit<EskipContext, 'namespace'>,
): Reading {
  const { namespace, name } = identityOf(object)
  const owner: Owner = { kind: 'RouteGroup', namespace, name: name ?? '' }
  const problems: Problem[] = []
  const report = reportTo(problems, owner)
  if (name === undefined) {
    report('invalid-object', 'metadata.name', 'The RouteGroup has no name.', 'Set metadata.name.')
    return { claims: [], problems }
  }
  const spec: unknown = object.spec
  if (!isMapping(spec)) {
    const message = `spec has the wrong shape: ${shown(spec ?? null)}.`
    report(
      'invalid-object',
      'spec',
      message,
      'Write spec as a mapping with hosts, backends and routes.',
    )
    return { claims: [], problems }
  }
  const created = Date.parse(textOf(mappingOf(object.metadata).creationTimestamp) ?? '')
  const createdAt = Number.isNaN(created) ? Number.POSITIVE_INFINITY : created
  let fault: string | undefined
  const group = readGroup(spec, namespace, (field, message, remedy) => {
    fault ??= message
    report('invalid-object', field, `${message} The group answers 503.`, remedy)
  })
  const { annotations } = mappingOf(object.metadata)
  const redirect = readRedirect(annotations, context.httpsRedirect === true, report)
  const claims: Claim[] = []
  const isTooLarge = hasTooMany(group)
  if (isTooLarge) {
    const message = `The RouteGroup has ${group.routes.length} routes on ${group.hosts.length} hosts, and ${mostClaims} of all are allowed.`
    report('invalid-object', 'spec', `${message} The group answers 503.`, 'Divide it into several.')
    claimAll(closeHosts(group, message), { owner, createdAt, field: 'spec' }, claims)
  }
  for (const route of isTooLarge ? [] : group.routes) {
    const compiled =
      fault === undefined
        ? compileGroupRoute(route, group, { ...context, namespace }, owner, report)
        : [closeGroupRoute(route, group, context, fault)]
    for (const each of compiled) {
      claimAll(redirected(each, redirect), { owner, createdAt, field: route.field }, claims)
    }
  }
  const certificates = readCertificates(
    spec,
    { owner, createdAt },
    new Set(group.hosts.filter((host) => host !== everyHost)),
    [],
    report,
  )
  return { claims, problems, ...(certificates.length === 0 ? {} : { certificates }) }
}

/** Whoever is sent to https is asked nothing before. */
function redirected(route: CompiledRoute, redirect: RedirectFilter | undefined): CompiledRoute {
  return redirect === undefined ? route : { ...route, filters: [redirect, ...route.filters] }
}

function compileGroupRoute(
  { field, predicates, filters, targets }: GroupRoute,
  { hosts }: Group,
  context: EskipContext,
  owner: Owner,
  report: ReturnType<typeof reportTo>,
): readonly CompiledRoute[] {
  const wish = {
    hosts,
    seed: `${owner.namespace}/${owner.name} ${field}`,
    predicates: predicates.map(({ call }) => call),
    filters: filters.map(({ call }) => call),
    targets,
  }
  const { routes, findings } = compileRoute(wish, context)
  for (const { at, isNote, message, remedy } of findings) {
    const said = [...predicates, ...filters].find(({ call }) => call.at === at)
    const reason = isNote === true ? 'ignored-filter' : 'invalid-eskip'
    const consequence = isNote === true ? '' : ' The route answers 503.'
    report(reason, said?.field ?? field, message + consequence, remedy)
  }
  return routes
}

/** Its paths are what can be known of its match. */
function closeGroupRoute(
  { predicates }: GroupRoute,
  { hosts }: Group,
  context: Omit<EskipContext, 'namespace'>,
  reason: string,
): CompiledRoute {
  const calls = predicates.map(({ call }) => call)
  return closedRoute(spreadMatches(closedMatches(calls, hosts, true), context), reason, false)
}

/** Each host of each route is a claim: nobody can have them by the million in one object. */
function hasTooMany({ hosts, routes }: Group): boolean {
  return routes.length > 1 && hosts.length * routes.length > mostClaims
}

const mostClaims = 20_000

/** One for each host, as long as nobody else of its namespace serves the host. */
function closeHosts({ hosts }: Group, reason: string): CompiledRoute {
  const matches = hosts.map(
    (host): Match => ({ host, pathType: 'Prefix', path: '/', conditions: [], weight: 0 }),
  )
  return closedRoute(matches, reason, false)
}
