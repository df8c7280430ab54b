// Is this token signed by one of these keys, for us, and valid now? The only file that imports jose; loaded when it is needed.
import { createLocalJWKSet, importSPKI, type JSONWebKeySet, jwtVerify } from 'jose'

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

/**
 * Makes the check by one key (PEM) of the load balancer `signer`; rejects when it is none. What AWS documents to be in the
 * token's header counts from there: signer, exp, iss, and client, which is the audience.
 */
export async function createAlbVerifier(
  pem: string,
  signer: string,
  { issuer, audiences, leewaySeconds }: TokenRules,
): Promise<VerifyToken> {
  const key = await importSPKI(pem, 'ES256')
  return async (token, nowMs) => {
    const { payload, protectedHeader: header } = await jwtVerify(token, key, {
      algorithms: ['ES256'],
      clockTolerance: leewaySeconds,
      currentDate: new Date(nowMs),
    })
    const { exp, iss, client } = header
    if (header.signer !== signer) throw new Error('another load balancer signed it')
    if (typeof exp !== 'number' || exp + leewaySeconds <= nowMs / 1000)
      throw new Error('it is over')
    const isOther = issuer !== undefined && (iss !== issuer || (payload.iss ?? issuer) !== issuer)
    if (isOther) throw new Error('another issuer')
    const isOurs = typeof client === 'string' && audiences.includes(client)
    if (audiences.length > 0 && !isOurs) throw new Error('for somebody else')
    return payload
  }
}
