// Which filters do the snippets of an Ingress make for one of its routes?
import type { AccessRulesFilter } from '../../filters/access-rules.ts'
import type { AnswerBlock, AnswerStep, AnswersFilter } from '../../filters/answers.ts'
import type { HeaderRule, HeaderRulesFilter } from '../../filters/header-rules.ts'
import type { Filter } from '../../filters/kind.ts'
import type { PathType } from '../../table.ts'
import { type NginxText, needsNames, type RouteNames, withNames } from './nginx-text.ts'
import type { AnswerWish, HeaderWish, LocationWish, Snippet } from './snippet-wishes.ts'

/** What the annotations of an Ingress say in nginx's own words. */
export interface SnippetDraft {
  readonly locationSnippet?: Snippet
  readonly serverSnippet?: Snippet
  /** The Host for the upstream (`upstream-vhost`). */
  readonly upstreamHost?: NginxText
  /** It goes without the firewall that the ConfigMap asks for (`enable-modsecurity`). */
  readonly declinesFirewall?: boolean
}

/** The filters by kind; what nobody asks for is absent. */
export interface SnippetFilters {
  readonly answers?: AnswersFilter
  readonly 'access-rules'?: AccessRulesFilter
  readonly 'header-rules'?: HeaderRulesFilter
}

const nothing: SnippetFilters = {}

/** Says whether two routes of the Ingress may need different filters because of their paths. */
export function hasLocations({ serverSnippet }: SnippetDraft): boolean {
  return (serverSnippet?.locations.length ?? 0) > 0
}

/** Says whether they may because of their Services. */
export function hasNames({ locationSnippet, serverSnippet, upstreamHost }: SnippetDraft): boolean {
  const texts = [locationSnippet, serverSnippet].flatMap((snippet) =>
    snippet === undefined ? [] : textsOf(snippet),
  )
  return [...texts, upstreamHost ?? []].some(needsNames)
}

function textsOf({ request, response, answers, host, locations }: Snippet): readonly NginxText[] {
  const ofAnswers = [...answers, ...locations.flatMap((location) => location.answers)]
  return [
    ...[...request, ...response].map(({ value }) => value),
    ...ofAnswers.flatMap(({ location = [], body = [] }) => [location, body]),
    host ?? [],
  ]
}

/** Makes the filters for a route. */
export function snippetFilters(
  { locationSnippet: own, serverSnippet: server, upstreamHost }: SnippetDraft,
  path: string,
  pathType: PathType,
  names: RouteNames,
): SnippetFilters {
  if (own === undefined && server === undefined && upstreamHost === undefined) return nothing
  const blocks = [
    ...blockOf(server, names),
    ...(server?.locations ?? [])
      .filter((location) => goesBefore(location, path, pathType))
      .map((location) => locationBlock(location, names)),
    ...blockOf(own, names),
  ]
  // nginx: a location that has rules of its own takes over none of its server's; so with add_header.
  const access = own === undefined || own.access.length === 0 ? server?.access : own.access
  const adds = own?.response.some(({ act }) => act === 'add') === true
  const ofServer = server?.response.filter(({ act }) => !adds || act !== 'add') ?? []
  const response = [...ofServer, ...(own?.response ?? [])]
  const request = own?.request ?? []
  const host = own?.host ?? upstreamHost
  const changes = request.length + response.length
  return {
    ...(blocks.length === 0 ? {} : { answers: { kind: 'answers', blocks } }),
    ...(access === undefined || access.length === 0
      ? {}
      : { 'access-rules': { kind: 'access-rules', rules: access } }),
    ...(changes === 0 && host === undefined
      ? {}
      : {
          'header-rules': {
            kind: 'header-rules',
            request: request.map((wish) => ruleOf(wish, names)),
            response: response.map((wish) => ruleOf(wish, names)),
            ...(host === undefined ? {} : { host: withNames(host, names) }),
          },
        }),
  }
}

/** Makes those filters of a server's snippet that answer or refuse: in nginx they hold for all of its host. */
export function hostGuards(
  { serverSnippet }: SnippetDraft,
  names: RouteNames,
): readonly Filter[] | undefined {
  if (serverSnippet === undefined) return undefined
  const filters = snippetFilters({ serverSnippet }, '/', 'Prefix', names)
  const guards = [filters.answers, filters['access-rules']].filter((one) => one !== undefined)
  return guards.length === 0 ? undefined : guards
}

function blockOf(snippet: Snippet | undefined, names: RouteNames): readonly AnswerBlock[] {
  if (snippet === undefined || snippet.answers.length === 0) return []
  const steps = snippet.answers.map((wish) => stepOf(wish, names))
  return [{ steps, access: [], fields: snippet.fields }]
}

function locationBlock(
  { is, text, answers, access, fields }: LocationWish,
  names: RouteNames,
): AnswerBlock {
  return {
    path: { is, text },
    steps: answers.map((wish) => stepOf(wish, names)),
    access,
    fields,
  }
}

/** nginx asks `=` first, then the longest literal one where it is `^~`, then patterns in order, then the longest literal one. */
function goesBefore({ is, text, isFirm }: LocationWish, path: string, pathType: PathType): boolean {
  if (is === 'exact') return true
  if (pathType === 'Exact') return false
  if (is === 'pattern') return true
  return pathType === 'Regex' ? isFirm : text.length > path.length
}

function ruleOf({ value, ...wish }: HeaderWish, names: RouteNames): HeaderRule {
  return { ...wish, value: withNames(value, names) }
}

function stepOf({ location, body, ...wish }: AnswerWish, names: RouteNames): AnswerStep {
  return {
    ...wish,
    ...(location === undefined ? {} : { location: withNames(location, names) }),
    ...(body === undefined ? {} : { body: withNames(body, names) }),
  }
}
