// What is to be thought of a key that no table knows: a slip of the keys, or something that protects the route?
//
// Invariant: when in doubt it protects something. A route that is closed for nothing is noticed and mended; one that was
// opened by a typing error is not.
import { nearNames } from '../../../near-names.ts'
import { type Loss, lossOf, type Row } from './row.ts'

const protective =
  /auth|limit|throttl|quota|white|black|allow|deny|block|source-range|cidr|snippet|filter|predicate|middleware|plugin|polic(?:y|ies)|modsec|owasp|waf|wallarm|captcha|csrf|satisfy|jwt|oidc|saml|tls|ssl|mutual|client-ca|verify|secur|secret|access|acl|guard|protect|internal|private|request-header|(?:^|[-_.])ips?(?:[-_.]|$)/

/** Says whether a key, given without its family's prefix, has the name of something that protects. */
export function soundsProtective(key: string): boolean {
  return protective.test(key)
}

/** What a key seems to be. */
export interface Judgement {
  /** The known keys that it is nearest to. */
  readonly nearest: readonly string[]
  readonly loss: Loss
}

/** Judges a key, given without its family's prefix, by its name and by the known keys that it is nearest to. */
export function judgeUnknown(key: string, rows: readonly Row[]): Judgement {
  const losses = new Map(rows.map((row) => [row.key, lossOf(row)] as const))
  const nearest = nearNames(key, losses.keys())
  const isNear = (loss: Loss): boolean => nearest.some((name) => losses.get(name) === loss)
  if (isNear('match') || key.startsWith('match-')) return { nearest, loss: 'match' }
  const mayProtect = isNear('protection') || soundsProtective(key)
  return { nearest, loss: mayProtect ? 'protection' : 'harmless' }
}
