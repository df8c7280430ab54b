// Where is the client sent instead of being served, and with which Location?
//
// Invariant: a Location is visible ASCII only (no CR, LF or space), and its authority is either configured or a host that
// looks like one: a redirect cannot be used to split a response or to send clients elsewhere.

import type { RedirectPolicy } from '../policy.ts'
import type { Answer, RequestFacts } from './compiled.ts'
import { answerFailure } from './failure-answer.ts'

const validHost = /^(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])$/i

/** Compiles a redirect into the answer it gives, or undefined where the request is served. */
export function compileRedirect(
  redirect: RedirectPolicy,
): (facts: RequestFacts) => Answer | undefined {
  return (facts) => {
    if (redirect.when === 'insecure' && facts.scheme !== 'http') return undefined
    return redirectTo(redirect, redirect.status, facts)
  }
}

/** Compiles nginx `app-root`: exactly `/` is sent to another path of the same host, with the client's own scheme. */
export function compileAppRoot(path: string): (facts: RequestFacts) => Answer | undefined {
  return (facts) => (facts.path === '/' ? redirectTo({ path }, 302, facts) : undefined)
}

function redirectTo(
  target: Pick<RedirectPolicy, 'scheme' | 'host' | 'port' | 'path'>,
  status: RedirectPolicy['status'],
  facts: RequestFacts,
): Answer {
  const scheme = target.scheme ?? facts.scheme
  const host = target.host ?? facts.host
  // An HTTP/1.0 client may name no host: there is nowhere to send it, and serving it would undo the redirect.
  if (!validHost.test(host)) return answerFailure('malformed-request')
  const location = `${scheme}://${host}${portSuffix(scheme, target.port)}${percentEncode(pathOf(target, facts))}`
  return {
    status,
    code: 'redirect',
    headers: [
      ['location', location],
      ['content-type', 'text/plain'],
    ],
    body: `${status} redirect\n`,
  }
}

function pathOf(target: Pick<RedirectPolicy, 'path'>, facts: RequestFacts): string {
  if (target.path !== undefined) return target.path
  // `OPTIONS *` has no path of its own.
  return facts.path.startsWith('/') ? facts.path + facts.query : `/${facts.query}`
}

function portSuffix(scheme: 'http' | 'https', port: number | undefined): string {
  const usual = scheme === 'https' ? 443 : 80
  return port === undefined || port === usual ? '' : `:${port}`
}

/** Percent-encodes every byte that is not visible ASCII: chars are bytes (latin1), as they came from the wire. */
function percentEncode(text: string): string {
  return /[^!-~]/.test(text)
    ? text.replace(/[^!-~]/gu, (char) =>
        char <= '\xff'
          ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
          : encodeURIComponent(char.toWellFormed()),
      )
    : text
}
