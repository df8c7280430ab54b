// What stands behind the value of an affinity cookie? Its attributes: most are known when the route is built.
import type { Affinity } from '../../shared/routing/backend.ts'

/** What attributes may depend on. */
export interface CookieRequest {
  /** The client came by https. */
  readonly isSecure: boolean
  readonly userAgent: string
}

/** Makes the function that gives the attributes, each behind `; `. `wallNow` is in ms since the epoch. */
export function compileAttributes(
  affinity: Affinity,
  wallNow: () => number,
): (request: CookieRequest) => string {
  const { path, domain, maxAgeSeconds, expiresSeconds = 0, sameSite } = affinity
  let fixed = `; Path=${path}`
  if (domain !== undefined) fixed += `; Domain=${domain}`
  if (maxAgeSeconds > 0) fixed += `; Max-Age=${maxAgeSeconds}`
  // Browsers refuse SameSite=None without Secure (RFC 6265bis §5.7).
  const isAlwaysSecure = affinity.secure || sameSite === 'None'
  const ending = sameSite === undefined ? '' : `; SameSite=${sameSite}`
  return ({ isSecure, userAgent }) => {
    let text = fixed
    // RFC 9110 §5.6.7: what toUTCString gives is an HTTP date.
    if (expiresSeconds > 0) {
      text += `; Expires=${new Date(wallNow() + expiresSeconds * 1000).toUTCString()}`
    }
    text += '; HttpOnly'
    if (isAlwaysSecure || (affinity.secureOverHttps === true && isSecure)) text += '; Secure'
    const isLeftOut =
      affinity.sameSite === 'None' && affinity.sparesOldClients === true && !knowsNone(userAgent)
    return isLeftOut ? text : text + ending
  }
}

/**
 * Says whether a browser takes cookies with SameSite=None. Those of 2018 and before refuse them
 * (https://www.chromium.org/updates/same-site/incompatible-clients); told apart as ingress-nginx does.
 */
function knowsNone(userAgent: string): boolean {
  if (/Chrome\/[456]|CPU iPhone OS 12|iPad; CPU OS 12/.test(userAgent)) return false
  const isSafariOfMojave =
    userAgent.includes('Macintosh') &&
    userAgent.includes('Intel Mac OS X 10_14') &&
    userAgent.includes('Safari') &&
    !userAgent.includes('Chrome')
  return !isSafariOfMojave
}
