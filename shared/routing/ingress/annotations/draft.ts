// What have the annotations of one Ingress asked for so far, and which Policy does that make for one of its paths?
//
// Every family's rows patch the same draft; later rows replace earlier ones. The policy differs by path only where a
// rewrite, an app root or a cookie path needs the path.
import type {
  AffinityPolicy,
  HeaderEdits,
  Policy,
  RedirectPolicy,
  TimeoutPolicy,
} from '../../policy.ts'
import type { PathType } from '../../table.ts'
import type { RedirectTarget } from './values.ts'

type RedirectStatus = RedirectPolicy['status']

/** The sum of an Ingress's annotations. */
export interface Draft {
  /** The first reason to close the routes. */
  readonly closed?: string
  readonly allow?: readonly string[]
  readonly deny: readonly string[]
  /** Sends http to https. */
  readonly sslRedirect: boolean
  readonly sslRedirectStatus: RedirectStatus
  readonly redirect?: RedirectTarget
  readonly redirectStatus?: RedirectStatus
  /** nginx keeps the status of a permanent redirect apart from that of a temporal one. */
  readonly permanentStatus: RedirectStatus
  readonly temporalStatus: RedirectStatus
  readonly appRoot?: string
  readonly rewrite?:
    | { readonly kind: 'prefix'; readonly to: string }
    | { readonly kind: 'target'; readonly replacement: string }
  readonly useRegex: boolean
  /** nginx: sent upstream as X-Forwarded-Prefix, with a rewrite only. */
  readonly forwardedPrefix?: string
  readonly requestHeaders: HeaderEdits
  readonly responseHeaders: HeaderEdits
  readonly maxBodyBytes?: number
  readonly timeouts: TimeoutPolicy
  readonly hasAffinity: boolean
  readonly affinity: Partial<AffinityPolicy>
  /** nginx: used when no max-age is given. */
  readonly cookieExpiresSeconds: number
  readonly balance?: NonNullable<Policy['balance']>
}

/** Creates a draft that asks for nothing. */
export function createDraft(): Draft {
  return {
    deny: [],
    sslRedirect: false,
    sslRedirectStatus: 308,
    permanentStatus: 301,
    temporalStatus: 302,
    useRegex: false,
    requestHeaders: { set: [], add: [], remove: [] },
    responseHeaders: { set: [], add: [], remove: [] },
    timeouts: {},
    hasAffinity: false,
    affinity: {},
    cookieExpiresSeconds: 0,
  }
}

/** Says whether two paths of the Ingress may need different policies. */
export function isPathDependent(draft: Draft): boolean {
  return draft.rewrite !== undefined || draft.appRoot !== undefined || draft.hasAffinity
}

/** Makes the policy for a path; undefined when nothing is asked for. */
export function buildPolicy(draft: Draft, path: string, pathType: PathType): Policy | undefined {
  if (draft.closed !== undefined) return { closed: draft.closed }
  const rewrite = buildRewrite(draft, path, pathType)
  const redirect = buildRedirect(draft)
  const requestHeaders = buildEdits(withForwardedPrefix(draft, rewrite))
  const responseHeaders = buildEdits(draft.responseHeaders)
  const { allow = [], deny, appRoot, maxBodyBytes, timeouts, balance } = draft
  const policy: Policy = {
    ...(allow.length + deny.length === 0 ? {} : { access: { allow, deny } }),
    // Only routes that can see the path `/` have a use for it.
    ...(appRoot === undefined || (path !== '/' && pathType !== 'Regex') ? {} : { appRoot }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(requestHeaders === undefined ? {} : { requestHeaders }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
    ...(maxBodyBytes === undefined || maxBodyBytes === 0 ? {} : { maxBodyBytes }),
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
    ...(draft.hasAffinity ? { affinity: buildAffinity(draft, path, pathType) } : {}),
    ...(balance === undefined ? {} : { balance }),
  }
  return Object.keys(policy).length === 0 ? undefined : policy
}

function buildRewrite(draft: Draft, path: string, pathType: PathType): Policy['rewrite'] {
  const { rewrite } = draft
  if (rewrite === undefined) return undefined
  if (rewrite.kind === 'prefix') return { kind: 'prefix', from: path, to: rewrite.to }
  // ingress-nginx writes no rewrite when the target is the path itself.
  if (rewrite.replacement === path) return undefined
  // A literal path has no groups: the empty pattern matches whatever the route matched.
  return {
    kind: 'regex',
    pattern: pathType === 'Regex' ? path : '',
    replacement: rewrite.replacement,
  }
}

function buildRedirect(draft: Draft): RedirectPolicy | undefined {
  const { redirect, sslRedirect } = draft
  if (redirect !== undefined) {
    const scheme = redirect.scheme ?? (sslRedirect ? 'https' : undefined)
    return {
      when: 'always',
      status: draft.redirectStatus ?? 302,
      ...redirect,
      ...(scheme === undefined ? {} : { scheme }),
    }
  }
  return sslRedirect
    ? { when: 'insecure', status: draft.sslRedirectStatus, scheme: 'https' }
    : undefined
}

function buildAffinity(draft: Draft, path: string, pathType: PathType): AffinityPolicy {
  const { cookie = 'INGRESSCOOKIE', maxAgeSeconds, sameSite, secure = false } = draft.affinity
  // A pattern is no cookie path (RFC 6265 §5.1.4), nor is a path with a separator in it.
  const ownPath = pathType === 'Regex' || path.includes(';') ? '/' : path
  return {
    cookie,
    path: draft.affinity.path ?? ownPath,
    maxAgeSeconds: maxAgeSeconds ?? draft.cookieExpiresSeconds,
    ...(sameSite === undefined ? {} : { sameSite }),
    secure,
    changeOnFailure: draft.affinity.changeOnFailure ?? false,
  }
}

/** ingress-nginx sends X-Forwarded-Prefix only where it rewrites. */
function withForwardedPrefix(draft: Draft, rewrite: Policy['rewrite']): HeaderEdits {
  const { forwardedPrefix, requestHeaders } = draft
  if (forwardedPrefix === undefined || rewrite === undefined) return requestHeaders
  const field = ['x-forwarded-prefix', forwardedPrefix] as const
  return { ...requestHeaders, set: [...requestHeaders.set, field] }
}

function buildEdits(edits: HeaderEdits): HeaderEdits | undefined {
  const size = edits.set.length + edits.add.length + edits.remove.length
  return size === 0 ? undefined : edits
}
