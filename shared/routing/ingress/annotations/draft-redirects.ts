// Where does a draft send the clients of one of its paths?
import type { RedirectFilter, RedirectStatus, RedirectTarget } from '../../filters/redirect.ts'
import type { PathType } from '../../table.ts'

/** Where a route is. */
export interface Place {
  readonly path: string
  readonly pathType: PathType
  /** `spec.tls` covers its host. */
  readonly hasTls: boolean
}

/** What an Ingress asks for. */
export interface RedirectWishes {
  /** Sends http to https. */
  readonly sslRedirect: boolean
  /** Sends http to https on hosts that have TLS. */
  readonly tlsRedirect: boolean
  readonly sslRedirectStatus: RedirectStatus
  /** Skipper: only clients are sent of whom a proxy says that they came by http. */
  readonly sendsTold: boolean
  /** nginx: a redirect to https leaves out the `/` at the end. */
  readonly cutsSlash: boolean
  /** nginx: paths that begin with one of these are not sent to https. */
  readonly noTlsRedirect: readonly string[]
  /** nginx: a redirect to https names its port. */
  readonly namesPort: boolean
  readonly redirect?: RedirectTarget
  readonly redirectStatus?: RedirectStatus
  /** nginx keeps the status of a permanent redirect apart from that of a temporal one. */
  readonly permanentStatus: RedirectStatus
  readonly temporalStatus: RedirectStatus
  /** nginx: Locations that have no host of their own stay paths. */
  readonly relativeRedirects: boolean
  /** nginx: a URL that paths are rewritten to; clients are sent there. */
  readonly rewriteUrl?: RedirectTarget
}

/** Makes the redirect of a place; undefined when its requests are served. */
export function buildRedirect(draft: RedirectWishes, place: Place): RedirectFilter | undefined {
  const { sslRedirectStatus, rewriteUrl } = draft
  const sslRedirect = draft.sslRedirect || (draft.tlsRedirect && place.hasTls)
  const redirect = draft.redirect ?? rewriteUrlAt(rewriteUrl, place)
  if (redirect !== undefined) {
    const scheme = redirect.scheme ?? (sslRedirect ? 'https' : undefined)
    const status = draft.redirect === undefined ? 302 : (draft.redirectStatus ?? 302)
    const target = { ...redirect, ...(scheme === undefined ? {} : { scheme }) }
    return { kind: 'redirect', when: 'always', status, ...target }
  }
  const isExempt = draft.noTlsRedirect.some((prefix) => place.path.startsWith(prefix))
  if (!sslRedirect || isExempt) return undefined
  return {
    kind: 'redirect',
    when: draft.sendsTold ? 'told' : 'insecure',
    status: sslRedirectStatus,
    scheme: 'https',
    ...(draft.namesPort ? { namesPort: true } : {}),
    ...(draft.cutsSlash ? { cutsSlash: true } : {}),
  }
}

/** nginx answers 302 when the replacement of its `rewrite` is a URL. */
function rewriteUrlAt(
  url: RedirectTarget | undefined,
  { path, pathType }: Place,
): RedirectTarget | undefined {
  return url?.pattern !== undefined && pathType === 'Regex' ? { ...url, pattern: path } : url
}
