// In which order do guards and fixed answers act for keys of ingress-nginx, and where does nobody have to say who it is?
//
//   cors ─► redirects ─► limits ─► addresses ─► passwords ─► authentication server   (its phases: rewrite, preaccess, access)
//
// Invariant: only what ingress-nginx's own keys ask for is left out for paths that are open to all.
import type { Filter } from '../../filters/kind.ts'
import type { IngressDefaults } from '../defaults.ts'
import { placeOf } from './auth-texts.ts'

/** What of a draft counts here. */
export interface GuardDraft {
  readonly namespace: string
  readonly defaults: IngressDefaults
  readonly filters: Readonly<Record<string, unknown>>
  /** The server of the ConfigMap is asked about this Ingress, too. */
  readonly usesGlobalAuth: boolean
  /** One guard that lets a request in is enough. */
  readonly satisfiesAny?: boolean
  /** It has keys of ingress-nginx: its order of phases counts. */
  readonly hasNginxKeys?: boolean
}

/** Where certificate authorities look for their challenges (RFC 8555 §8.3): ingress-nginx's `no-auth-locations`. */
export const acmePaths: readonly string[] = ['/.well-known/acme-challenge']

const guards: ReadonlySet<string> = new Set(['access', 'basic-auth', 'auth-request'])
const first: ReadonlySet<string> = new Set(['blocked-clients', 'cors'])
const fixedAnswers: ReadonlySet<string> = new Set(['app-root', 'redirect'])

/** Says whether the terms of two paths may differ by whether they are open. */
export function hasOpenPaths({ filters, defaults, usesGlobalAuth }: GuardDraft): boolean {
  const isGlobal = defaults.globalAuth?.target !== undefined && usesGlobalAuth
  return isGlobal || filters['auth-request'] !== undefined || filters['basic-auth'] !== undefined
}

/** The parts of the question about requests that the operator has asked about all Ingresses, if it counts for this one. */
export function globalAuthOf({
  defaults,
  filters,
  usesGlobalAuth,
  namespace,
}: GuardDraft): Readonly<Record<string, unknown>> | undefined {
  const { globalAuth } = defaults
  if (globalAuth?.target === undefined || !usesGlobalAuth) return undefined
  if (filters['auth-request'] !== undefined) return undefined
  return { ...globalAuth.parts, ...placeOf(globalAuth.target, namespace) }
}

/** Puts the filters of a path in order; they come in that of the table of kinds. */
export function arrangeGuards(
  filters: readonly Filter[],
  { defaults, satisfiesAny, hasNginxKeys }: GuardDraft,
  path: string,
): readonly Filter[] {
  const isOpen = (defaults.openPaths ?? acmePaths).some((open) => path.startsWith(open))
  let arranged = isOpen ? filters.filter((filter) => !asksWho(filter)) : filters
  if (satisfiesAny === true) arranged = joinGuards(arranged)
  return hasNginxKeys === true || defaults.like === 'ingress-nginx'
    ? answerFirst(arranged)
    : arranged
}

/** Says whether a filter asks who somebody is, in ingress-nginx's words. */
function asksWho(filter: Filter): boolean {
  return filter.kind === 'auth-request' || (filter.kind === 'basic-auth' && 'format' in filter)
}

function joinGuards(filters: readonly Filter[]): readonly Filter[] {
  const all = filters.filter(({ kind }) => guards.has(kind))
  // Not to be on a deny list is no yes (nginx declines), and who is on it may come in by another guard.
  const yesSayers = all.filter((filter) => !deniesOnly(filter))
  const joined = yesSayers.length === 0 ? all : yesSayers
  const [first] = joined
  if (first === undefined) return filters
  const anyOf = joined.length === 1 ? first : { kind: 'any-of', filters: joined }
  return filters.flatMap((filter) => {
    if (filter === first) return [anyOf]
    return guards.has(filter.kind) ? [] : [filter]
  })
}

function deniesOnly(filter: Filter): boolean {
  return filter.kind === 'access' && 'allow' in filter && isEmptyList(filter.allow)
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function answerFirst(filters: readonly Filter[]): readonly Filter[] {
  const answers = filters.filter(({ kind }) => fixedAnswers.has(kind))
  if (answers.length === 0) return filters
  const others = filters.filter(({ kind }) => !fixedAnswers.has(kind))
  const before = others.findIndex(({ kind }) => !first.has(kind))
  const at = before === -1 ? others.length : before
  return [...others.slice(0, at), ...answers, ...others.slice(at)]
}
