// What does an Ingress ask for its hosts as a whole, beside its paths? Other names, redirects from another name, and with
// `--like ingress-nginx` what counts for paths of other Ingresses on the same hosts.
import type { Filter } from '../../filters/kind.ts'
import type { RedirectStatus } from '../../filters/redirect.ts'
import type { PathType } from '../../table.ts'
import type { BackendName, BackendRef } from '../../upstreams/backend-ref.ts'
import { clientCheckIn, type Draft, namesOf, type Terms } from './draft.ts'
import type { TermsFor } from './remember-terms.ts'
import { hostGuards } from './snippet-filters.ts'

/** Part of a reading. */
export interface Site {
  /** Other names of its hosts. */
  readonly aliases: readonly string[]
  /** Sends clients of `www.` to the name without it, or the other way round. */
  readonly wwwRedirect: boolean
  readonly redirectStatus: RedirectStatus
  /** `/` is redirected, also where no rule covers it. */
  readonly hasAppRoot: boolean
  /** `--like ingress-nginx`: Ingresses of one host are one site. */
  readonly isShared: boolean
  /** Filters for routes of other Ingresses on its hosts, too; absent: none. */
  readonly guards?: readonly Filter[]
  /** What is asked of clients' certificates at routes of other Ingresses on its hosts, too; absent: nothing. */
  readonly clientCheck?: Filter
  /** Why what guards routes of other Ingresses on its hosts, too, cannot be read. */
  readonly closes?: string
  /** `--default-backend`. */
  readonly fallback: BackendRef | undefined
  /** Whether a rule with this path makes patterns of all paths of its host. */
  readonly makesPatterns: (path: string) => boolean
  /** Makes the terms of a route whose host has TLS by another Ingress; undefined when they are the same. */
  readonly termsWithTls: (
    path: string,
    pathType: PathType,
    backend?: BackendName,
  ) => Terms | undefined
}

/** Reads what a draft asks for; undefined when that is nothing. */
export function siteOf(draft: Draft, termsFor: TermsFor): Site | undefined {
  const { aliases, wwwRedirect, appRoot, canary, closed } = draft
  const isShared = draft.defaults.like === 'ingress-nginx'
  const hasAppRoot = appRoot !== undefined && closed === undefined
  if (canary?.isOn === true) return undefined
  if (!isShared && !hasAppRoot && !wwwRedirect && aliases.length === 0) return undefined
  const guards = isShared ? hostGuards(draft, namesOf(draft, '', '')) : undefined
  const clientCheck = isShared ? clientCheckIn(draft) : undefined
  return {
    ...(clientCheck === undefined ? {} : { clientCheck }),
    ...(guards === undefined ? {} : { guards }),
    ...(draft.hostClosed === undefined ? {} : { closes: draft.hostClosed }),
    aliases,
    wwwRedirect,
    redirectStatus: draft.defaults.sslRedirectStatus ?? 308,
    hasAppRoot,
    isShared,
    fallback: draft.defaults.fallback,
    makesPatterns: (path) => makesPatterns(draft, path),
    termsWithTls: (path, pathType, backend) => {
      const terms = termsFor(path, pathType, '', backend, true)
      return terms === termsFor(path, pathType, '', backend) ? undefined : terms
    },
  }
}

/** ingress-nginx: a rewrite to the very path of the rule is none. */
function makesPatterns({ useRegex, rewrite, rewriteUrl }: Draft, path: string): boolean {
  if (useRegex || rewriteUrl !== undefined) return true
  return rewrite?.kind === 'target' && rewrite.replacement !== path
}
