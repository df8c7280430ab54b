// What is to be thought of a key that no table knows: a slip of the keys, or something that protects the route?
//
// Invariant: when in doubt it protects something. A route that is closed for nothing is noticed and mended; one that was
// opened by a typing error is not.
import { nearNames } from '../../../near-names.ts'
import type { Row } from './row.ts'

const protective =
  /auth|limit|throttl|quota|white|black|allow|deny|block|source-range|cidr|snippet|filter|predicate|middleware|plugin|polic(?:y|ies)|modsec|owasp|waf|wallarm|captcha|csrf|satisfy|jwt|oidc|saml|tls|ssl|mutual|client-ca|verify|secur|secret|access|acl|guard|protect|internal|private|request-header|(?:^|[-_.])ips?(?:[-_.]|$)/

/** Says whether a key, given without its family's prefix, has the name of something that protects. */
export function soundsProtective(key: string): boolean {
  return protective.test(key)
}

/** Judges a key, given without its family's prefix, by its name and by the known keys that it is nearest to. */
export function judgeUnknown(
  key: string,
  rows: readonly Row[],
): { readonly nearest: readonly string[]; readonly mayProtect: boolean } {
  const guards = new Map(rows.map((row) => [row.key, row.failsClosed] as const))
  const nearest = nearNames(key, guards.keys())
  const isNearGuard = nearest.some((name) => guards.get(name) === true)
  return { nearest, mayProtect: isNearGuard || soundsProtective(key) }
}
