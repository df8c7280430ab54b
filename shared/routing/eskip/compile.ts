// What does one route of eskip become? Its predicates a match, its filters ours, its targets a backend; where something of it is
// not understood, a closed route (503) with what is wrong: a broader route must not serve it open.
//
//   predicates ─► match (of each host) ─┐
//   filters ─► filters, wishes ─────────┼─► routes, each with what its keys of upstreams stand for
//   targets and their weights ──────────┘
import type { Origin } from '../../auth-origin.ts'
import type { Backend, Choice, ForwardBackend } from '../backend.ts'
import type { Condition } from '../conditions/condition.ts'
import type { Filter } from '../filters/kind.ts'
import { filterKinds } from '../filters/kinds.ts'
import { shuntCode } from '../filters/sequence.ts'

import { everyHost, type Match } from '../table.ts'
import { type BackendRef, refOfAddresses } from '../upstreams/backend-ref.ts'
import { termsOfWish } from './backend-terms.ts'
import { closedMatches } from './closed-matches.ts'
import { type EastWest, narrowEastWest } from './east-west.ts'
import { type FiltersReading, readFilters } from './filters/read.ts'
import type { BackendWish, FiltersContext } from './filters/row.ts'
import type { Call, Position } from './language.ts'
import { type MatchParts, type PredicatesReading, readPredicates } from './predicates/read.ts'
import { isFault, readAddresses, type Target, type UpstreamTarget } from './targets.ts'

/** What stands around the routes of one object. */
export interface EskipContext extends FiltersContext {
  /** `--forward-backend-url`; absent: `<forward>` serves nothing. */
  readonly forwardUrl?: Origin
  /** `--default-filters-prepend` and `-append`: of every route. */
  readonly prepend?: readonly Call[]
  readonly append?: readonly Call[]
  /** `--https-redirect`: RouteGroups send clients that came by http to https, where they do not say otherwise. */
  readonly httpsRedirect?: true
  /** `--ignore-trailing-slash`: Path means the path with a slash at its end and without. */
  readonly ignoresSlash?: true
  /** What hosts within the cluster are kept for; absent: there are none. */
  readonly eastWest?: EastWest
}

/** One route as its object asks for it. */
export interface RouteWish {
  /** As a match names hosts; those that predicates name narrow them. Absent: as predicates say, else every host. */
  readonly hosts?: readonly string[]
  /** Tells the route from others of its object: chances of two routes are independent of each other. */
  readonly seed: string
  readonly predicates: readonly Call[]
  readonly filters: readonly Call[]
  /** At least one; weights are relative to each other, and all 0 means equal shares. */
  readonly targets: readonly { readonly target: Target; readonly weight: number }[]
}

/** One route without its owner; each of `matches` is a route of its own. */
export interface CompiledRoute {
  readonly matches: readonly Match[]
  readonly filters: readonly Filter[]
  readonly backend: Backend
  /** What keys of upstreams stand for, that of its backend first. */
  readonly refs: readonly BackendRef[]
  /** Nobody knows which requests it means. */
  readonly isMatchUnknown?: true
}

/** Something to be told of a route. */
export interface EskipFinding {
  readonly isNote?: true
  /** That of the call that it is about; undefined: it is the backend. */
  readonly at: Position | undefined
  readonly message: string
  readonly remedy: string
}

/** What a wish comes to. */
export interface Compiled {
  readonly routes: readonly CompiledRoute[]
  readonly findings: readonly EskipFinding[]
}

/** Compiles one route. Never throws, and always gives routes: closed ones where something is wrong. */
export function compileRoute(wish: RouteWish, context: EskipContext): Compiled {
  const settings = { hasHosts: wish.hosts !== undefined, seed: wish.seed }
  const predicates = readPredicates(wish.predicates, settings)
  // Another cluster has filters of its own.
  const isBare = wish.targets.every(({ target }) => target.kind === 'forward')
  const { prepend = [], append = [] } = context
  const filters = readFilters(isBare ? [] : [...prepend, ...wish.filters, ...append], context)
  const findings = findingsOf(predicates, filters)
  const found = predicates.ok
    ? matchesOf(predicates.match, wish.hosts)
    : closedMatches(wish.predicates, wish.hosts, mayProtect(wish))
  const matches = spreadMatches(found, context)
  const reason = findings.find(({ isNote }) => isNote !== true)?.message
  if (!predicates.ok || !filters.ok) {
    return { routes: [closedRoute(matches, reason ?? '', predicates.ok)], findings }
  }
  const routes: CompiledRoute[] = []
  for (const { targets, conditions } of sharesOf(wish.targets)) {
    const built = buildBackend(targets, filters.backend, context)
    const share = matches.map((match) =>
      conditions.length === 0
        ? match
        : { ...match, conditions: [...match.conditions, ...conditions] },
    )
    if (isFault(built)) {
      findings.push({ ...built, at: undefined })
      routes.push(closedRoute(share, built.message, true))
    } else {
      const called = filters.filters.flatMap(
        (filter) => filterKinds.get(filter.kind)?.upstreams?.(filter) ?? [],
      )
      const { backend, refs } = built
      routes.push({ matches: share, filters: filters.filters, backend, refs: [...refs, ...called] })
    }
  }
  return { routes, findings }
}

/** A route that forwards without a filter keeps nothing from anybody. */
function mayProtect({ filters, targets }: RouteWish): boolean {
  return filters.length > 0 || targets.some(({ target }) => target.kind !== 'upstream')
}

/** A route that answers 503 on each of its hosts. */
export function closedRoute(
  matches: readonly Match[],
  reason: string,
  isMatchKnown: boolean,
): CompiledRoute {
  const backend: Backend = { kind: 'closed', reason }
  const unknown = isMatchKnown ? {} : { isMatchUnknown: true as const }
  return { matches, filters: [], backend, refs: [], ...unknown }
}

/** What the operator says of all matches, done to those of one route. */
export function spreadMatches(
  matches: readonly Match[],
  { ignoresSlash, eastWest }: Pick<EskipContext, 'ignoresSlash' | 'eastWest'>,
): readonly Match[] {
  const all = ignoresSlash === true ? matches.flatMap(besideSlash) : matches
  return all.map((match) => narrowEastWest(match, eastWest))
}

/** One match for each host; a route without a path takes what those with a path leave. */
function matchesOf(
  { hosts, ...parts }: MatchParts,
  given: readonly string[] | undefined,
): readonly Match[] {
  const of = given ?? hosts ?? [everyHost]
  return of.map((host) => ({ host, pathType: 'Any', path: '/', ...parts }))
}

/** The same with and without a slash at the end, where both mean one. */
function besideSlash(match: Match): readonly Match[] {
  const { pathType, path } = match
  const last = path.slice(path.lastIndexOf('/') + 1)
  const isWhole = pathType === 'Exact' || pathType === 'Pattern'
  if (!isWhole || path === '/' || last.startsWith('*')) return [match]
  return [match, { ...match, path: last === '' ? path.slice(0, -1) : `${path}/` }]
}

function findingsOf(predicates: PredicatesReading, filters: FiltersReading): EskipFinding[] {
  const faults = [
    ...(predicates.ok ? [] : predicates.faults),
    ...(filters.ok ? [] : filters.faults),
  ]
  const findings: EskipFinding[] = faults.map(({ at, message, remedy }) => ({
    at,
    message: sentence(message),
    remedy,
  }))
  if (!filters.ok) return findings
  for (const { at, name, message } of filters.notes) {
    const remedy = 'Remove it, or leave it for Skipper: it changes nothing here.'
    findings.push({ isNote: true, at, message: sentence(`the filter ${name}: ${message}`), remedy })
  }
  return findings
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}

type Weighted = RouteWish['targets'][number]

/** Targets that a backend can choose among stay together; others become routes of their own, each with its share of all requests. */
function sharesOf(
  given: readonly Weighted[],
): readonly { readonly targets: readonly Weighted[]; readonly conditions: readonly Condition[] }[] {
  const sum = given.reduce((total, { weight }) => total + weight, 0)
  const targets = sum > 0 ? given : given.map((each) => ({ ...each, weight: 1 }))
  const upstreams = targets.filter(({ target }) => target.kind === 'upstream')
  const others = targets.filter(({ target }) => target.kind !== 'upstream')
  if (others.length === 0 || targets.length === 1) return [{ targets, conditions: [] }]
  const groups = [...(upstreams.length === 0 ? [] : [upstreams]), ...others.map((one) => [one])]
  // Counted in whole weights: the last share ends at 1, or requests beyond it would be nobody's.
  const all = targets.reduce((total, { weight }) => total + weight, 0)
  let counted = 0
  return groups.flatMap((group) => {
    const from = counted / all
    counted = group.reduce((total, { weight }) => total + weight, counted)
    const share: Condition = { kind: 'share', from, below: counted / all }
    return share.from === share.below ? [] : [{ targets: group, conditions: [share] }]
  })
}

interface Built {
  readonly backend: Backend
  readonly refs: readonly BackendRef[]
}

function buildBackend(
  targets: readonly Weighted[],
  wish: BackendWish,
  { namespace, forwardUrl }: EskipContext,
): Built | { readonly message: string; readonly remedy: string } {
  const kind = targets[0]?.target.kind
  if (kind === 'shunt') return { backend: { kind: 'answer', answer: shunted }, refs: [] }
  if (kind === 'loopback') return loopsNowhere
  if (kind === 'forward') {
    if (forwardUrl === undefined) return forwardsNowhere
    const target: UpstreamTarget = {
      kind: 'upstream',
      ref: refOfAddresses([forwardUrl], namespace),
    }
    return forward([{ target, weight: 1 }], wish)
  }
  if (kind === 'dynamic') {
    const target = readDynamic(wish, namespace)
    return isFault(target) ? target : forward([{ target, weight: 1 }], wish)
  }
  const upstreams = targets.flatMap(({ target, weight }) =>
    target.kind === 'upstream' ? [{ target, weight }] : [],
  )
  return forward(upstreams, wish)
}

const loopsNowhere = {
  message: '<loopback> is not supported.',
  remedy: 'Name the Service that serves the changed request.',
}

const forwardsNowhere = {
  message: '<forward> leads nowhere.',
  remedy: 'Have the operator set --forward-backend-url, or name another backend.',
}

/** What nobody serves: filters may change it, as they change what an upstream answers. */
const shunted = { status: 404, code: shuntCode, headers: [], body: '' } as const

function readDynamic({ dynamic }: BackendWish, namespace: string) {
  const { scheme = 'http', host } = dynamic ?? {}
  if (host !== undefined) return readAddresses([`${scheme}://${host}`], '', namespace)
  return {
    message: '<dynamic> needs a filter that says where requests go.',
    remedy: 'Add setDynamicBackendUrl("http://host:port"), or name a backend.',
  }
}

function forward(
  targets: readonly { readonly target: UpstreamTarget; readonly weight: number }[],
  wish: BackendWish,
): Built {
  const choices: Choice[] = targets.map(({ target: { ref }, weight }) => ({
    upstream: ref.key,
    service: ref.service,
    weight,
  }))
  const { limits } = wish
  const backend: ForwardBackend = {
    kind: 'forward',
    choices,
    ...(limits && { limits }),
    ...termsOfWish(wish, targets[0]?.target.balance),
  }
  return { backend, refs: targets.map(({ target }) => target.ref) }
}
