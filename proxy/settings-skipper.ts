// What can be set for what is written in Skipper's words? Part of the table of settings-table.ts.
import { authOrigins, boolean, filePath, httpUrl, names } from '../shared/options-kinds.ts'
import { type Kind, type OptionTable, option, optional } from '../shared/options-table.ts'
import { readFilters } from '../shared/routing/eskip/filters/read.ts'
import type { Call } from '../shared/routing/eskip/language.ts'
import { parseFilters, parsePredicates } from '../shared/routing/eskip/parse.ts'
import { readPredicates } from '../shared/routing/eskip/predicates/read.ts'
import { printFilters, printPredicates } from '../shared/routing/eskip/print.ts'

const skipper = "Routes in Skipper's words"

/** Filters that can be served: what cannot would close every route. */
const filterChain: Kind<readonly Call[]> = {
  placeholder: 'FILTERS',
  allowed: 'filters of eskip that Weir serves, with -> between them',
  isList: false,
  format: (calls) => printFilters(calls) || 'none',
  parse([text = '']) {
    const result = parseFilters(text)
    const isServed = result.ok && readFilters(result.value, { namespace: '' }).ok
    return isServed ? result.value : undefined
  },
}

const predicateChain: Kind<readonly Call[]> = {
  placeholder: 'PREDICATES',
  allowed: 'predicates of eskip, with && between them',
  isList: false,
  format: (calls) => (calls.length === 0 ? 'none' : printPredicates(calls)),
  parse([text = '']) {
    const result = parsePredicates(text)
    return result.ok && readPredicates(result.value).ok ? result.value : undefined
  },
}

export const skipperOptions = {
  routeGroups: option(boolean, {
    group: skipper,
    default: true,
    help: 'Serves RouteGroups (zalando.org/v1) as well, where the cluster knows them: those without a class, and those whose `zalando.org/routegroup.class` is one of --ingress-class.',
  }),
  backendUrls: option(authOrigins, {
    group: skipper,
    default: [],
    help: 'Allows network backends and lists of endpoints, of RouteGroups and in eskip, to lead to these origins; all others are refused. `any` allows all but addresses of this machine and of links.',
  }),
  forwardBackendUrl: optional(httpUrl, {
    group: skipper,
    absent: 'none (503)',
    help: 'Sends what is meant for `<forward>`, as `zalando.org/skipper-backend: forward` asks, to this other edge; --backend-urls must allow it.',
  }),
  tokeninfoUrl: optional(httpUrl, {
    group: skipper,
    absent: 'none (routes that ask it are closed)',
    help: 'Asks this URL about tokens, for the filters oauthTokeninfo*.',
  }),
  authFiles: optional(filePath, {
    group: skipper,
    absent: 'none (503)',
    help: 'Lets the filter basicAuth read htpasswd files below this folder, and nowhere else.',
  }),
  allowDiagnosticFilters: option(boolean, {
    group: skipper,
    default: false,
    help: 'Serves filters that slow down or break requests on purpose (latency, bandwidth, …); without it their routes are closed.',
  }),
  httpsRedirect: option(boolean, {
    group: skipper,
    default: false,
    likes: { skipper: true },
    help: 'Sends clients that came by http to https (308) where an Ingress or RouteGroup does not say otherwise; with --like skipper only those of whom a trusted proxy says so (X-Forwarded-Proto), as those of RouteGroups always.',
  }),
  ignoreTrailingSlash: option(boolean, {
    group: skipper,
    default: false,
    help: "Takes Skipper's predicate Path for the path with a slash at its end and without.",
  }),
  defaultFiltersPrepend: option(filterChain, {
    group: skipper,
    default: [],
    help: 'Puts these filters before those of each Ingress and RouteGroup.',
  }),
  defaultFiltersAppend: option(filterChain, {
    group: skipper,
    default: [],
    help: 'Puts these filters behind those of each Ingress and RouteGroup.',
  }),
  eastWestRangeDomains: option(names('DOMAIN'), {
    group: skipper,
    default: [],
    help: 'Keeps hosts below these domains for those whom --east-west-range-predicates mean.',
  }),
  eastWestRangePredicates: option(predicateChain, {
    group: skipper,
    default: [],
    help: 'Adds these predicates to the routes of such hosts.',
  }),
} satisfies OptionTable
