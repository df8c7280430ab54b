// Which claims does an Ingress make beside those of its rules, and what do its rules mean for the other claims of their hosts?
//
// Invariant: none of these takes a path from a rule, whosever it is.
import type { AnswerBackend } from '../backend.ts'
import type { Filter } from '../filters/kind.ts'
import type { RedirectFilter } from '../filters/redirect.ts'
import { compilePattern } from '../pattern.ts'
import type { Claim, HostTraits } from '../source.ts'
import type { Match, Owner, Route } from '../table.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'
import type { Terms } from './annotations/draft.ts'
import type { AnnotationReading } from './annotations/read.ts'
import type { Site } from './annotations/site.ts'

const annotation = (key: string) => `metadata.annotations["nginx.ingress.kubernetes.io/${key}"]`

/** Answers what no rule serves. */
const noRoute: AnswerBackend = { kind: 'answer', answer: 'no-route' }

/** Makes the traits of a claim for a rule; `hasTls`: its host has TLS by this very Ingress. */
export function traitsOf(
  site: Site,
  { pathType, path }: Pick<Match, 'pathType' | 'path'>,
  written: unknown,
  hasTls: boolean,
  backend: BackendRef,
): { readonly traits: HostTraits } | undefined {
  if (!site.isShared) return undefined
  const withTls = hasTls ? undefined : withTlsAt(site, { path, pathType }, backend)
  return {
    traits: {
      ...(site.makesPatterns(path) ? { makesPatterns: true } : {}),
      ...(pathType === 'Regex' ? {} : { pattern: patternOf(path, written) }),
      ...(hasTls ? { hasTls } : {}),
      ...(site.guards === undefined ? {} : { guards: site.guards }),
      ...(site.clientCheck === undefined ? {} : { clientCheck: site.clientCheck }),
      ...(site.closes === undefined ? {} : { closes: site.closes }),
      ...(withTls === undefined ? {} : { withTls }),
    },
  }
}

function withTlsAt(
  { termsWithTls }: Site,
  { path, pathType }: Pick<Match, 'path' | 'pathType'>,
  backend?: BackendRef,
): HostTraits['withTls'] {
  const terms = termsWithTls(path, pathType, backend)
  return terms === undefined || 'kind' in terms.backend ? undefined : { filters: terms.filters }
}

/** ingress-nginx takes the text of a path as a pattern; what is none stands for itself. */
function patternOf(path: string, written: unknown): string {
  const isOpen = path !== '/' && typeof written === 'string' && written.endsWith('/')
  const text = isOpen && !path.endsWith('/') ? `${path}/` : path
  if (/^[\w./~%@:-]*$/.test(text) || compilePattern(text).ok) return text
  return text.replace(/[$()*+.?[\]\\^{|}]/g, String.raw`\$&`)
}

/** What the claims beside the rules are made of. */
export interface SiteBase {
  readonly owner: Owner
  readonly createdAt: number
  readonly annotations: AnnotationReading
}

/** Makes the claims beside those of the rules, of which there are some for each of `hosts`. */
export function claimsOfSite(
  site: Site,
  base: SiteBase,
  hosts: Iterable<string>,
  ofRules: readonly Claim[],
): readonly Claim[] {
  const claims: Claim[] = []
  const add = (
    host: string,
    field: string,
    parts: Partial<Claim> & {
      readonly filters?: readonly Filter[]
      readonly pathType?: 'Exact'
      readonly path?: string
    },
    backend: Route['backend'] = noRoute,
  ) => {
    const { filters = [], pathType = 'Prefix', path = '/', ...rest } = parts
    claims.push({
      route: {
        owner: base.owner,
        match: { host, pathType, path, conditions: [] },
        filters,
        backend,
      },
      backends: [],
      place: ofRules.length + claims.length,
      field,
      createdAt: base.createdAt,
      ...(site.isShared ? { isLaterNameFirst: true } : {}),
      role: 'rest',
      ...rest,
    })
  }
  for (const { field, route, traits } of site.isShared ? ofRules : []) {
    const { host, path } = route.match
    // nginx redirects from `/a` to a location `/a/`, unless there is one for `/a`.
    const isOpen = traits?.pattern?.endsWith('/') === true && path !== '/'
    if (!isOpen) continue
    const closed = path.endsWith('/') ? path.slice(0, -1) : path
    const filters = [redirect({ status: 301, path: `${closed}/`, pattern: '' })]
    add(host, field, { pathType: 'Exact', path: closed, filters, traits: { isLiteralOnly: true } })
  }
  for (const host of hosts) {
    const covers = (pathType: string) =>
      ofRules.some(
        ({ route: { match } }) =>
          match.host === host && match.path === '/' && match.pathType === pathType,
      )
    const coversAll = covers('Prefix') || covers('Regex')
    if (site.hasAppRoot && !coversAll && !covers('Exact')) {
      const { filters } = base.annotations.termsFor('/', 'Exact', host)
      add(host, annotation('app-root'), { pathType: 'Exact', filters })
    }
    if (site.isShared && !coversAll) {
      const { terms, backend } = restOf(base, site.fallback, host)
      const withTls = withTlsAt(site, { path: '/', pathType: 'Prefix' })
      const traits = withTls === undefined ? {} : { traits: { withTls } }
      const { backends, route } = backend
      add(host, 'spec.rules', { filters: terms.filters, backends, ...traits }, route)
    }
    const other = host.startsWith('www.') ? host.slice(4) : `www.${host}`
    if (site.wwwRedirect && host !== '' && !host.startsWith('*')) {
      const filter = redirect({ status: site.redirectStatus, host, cutsSlash: true })
      const field = annotation('from-to-www-redirect')
      add(other, field, { filters: [filter], role: 'rule', isSpare: true })
    }
    for (const alias of site.aliases) {
      if (alias === host) continue
      add(alias, annotation('server-alias'), { role: 'rule', isSpare: true, aliasOf: host })
    }
  }
  return claims
}

function redirect(parts: Omit<RedirectFilter, 'kind' | 'when'>): RedirectFilter {
  return { kind: 'redirect', when: 'always', ...parts }
}

/** What no rule of the host serves has the annotations of its first Ingress. */
function restOf({ annotations }: SiteBase, fallback: BackendRef | undefined, host: string) {
  const terms: Terms = annotations.termsFor('/', 'Prefix', host)
  if ('kind' in terms.backend) return { terms, backend: { route: terms.backend, backends: [] } }
  if (fallback === undefined) return { terms, backend: { route: noRoute, backends: [] } }
  const { key, service } = fallback
  const choices = [{ upstream: key, service, weight: 1 }]
  return {
    terms,
    backend: {
      route: { kind: 'forward' as const, choices, ...terms.backend },
      backends: [fallback],
    },
  }
}
