// Is this token signed by one of these keys, for us, and valid now? The only file that imports jose; loaded when it is needed.
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'

/** What a token must say. */
export interface TokenRules {
  readonly issuer?: string
  /** One of them must be among the token's; empty: any. */
  readonly audiences: readonly string[]
  readonly leewaySeconds: number
}

/** What a token says (RFC 7519 §4). */
export type Claims = Readonly<Record<string, unknown>>

/** Gives the claims of a token that is good at `nowMs` (wall clock); rejects when it is not. */
export type VerifyToken = (token: string, nowMs: number) => Promise<Claims>

// Public-key signatures only (RFC 7518 §3.1).
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
]
/** Makes the check by a key set (RFC 7517). Throws on what is none. */
export function createVerifier(keys: unknown, filter: TokenRules): VerifyToken {
  // jose checks the shape and throws what is wrong.
  const find = createLocalJWKSet(keys as JSONWebKeySet)
  const options = {
    algorithms,
    clockTolerance: filter.leewaySeconds,
    ...(filter.issuer === undefined ? {} : { issuer: filter.issuer }),
    ...(filter.audiences.length === 0 ? {} : { audience: [...filter.audiences] }),
  }
  return async (token, nowMs) => {
    const { payload } = await jwtVerify(token, find, { ...options, currentDate: new Date(nowMs) })
    return payload
  }
}
