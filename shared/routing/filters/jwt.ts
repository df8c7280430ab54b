// Who is it, by a signed token? JSON Web Tokens (RFC 7519) with keys of a key set (RFC 7517).
//
// Invariant: signature, issuer, audience and times are checked before anything of a token is believed; `none` and shared
// secrets are never accepted. Without keys nobody comes in (503).
// Invariant: fields that claims go to are never believed from a client.
import { checkByAlb, isAlbArn } from './alb-identity.ts'
import type { CheckToken } from './check-token.ts'
import type {
  CompileContext,
  Filter,
  FilterKind,
  KeySource,
  RequestView,
  Verdict,
  WantedAsset,
} from './kind.ts'
import { noteToken } from './token-facts.ts'
import type { Claims, VerifyToken } from './verify-token.ts'

/** Lets in who brings a valid token. */
export interface JwtFilter extends Filter {
  readonly kind: 'jwt'
  /** Where the key set is. Either it or `albArn` is given. */
  readonly keys?: KeySource
  /** The load balancer that signs the tokens, by its ARN. */
  readonly albArn?: string
  readonly issuer?: string
  /** One of them must be among the token's (with `albArn`: its client); empty: any. */
  readonly audiences: readonly string[]
  /** Field that brings the token, lower case; `authorization` brings it after `Bearer `. */
  readonly header: string
  /** Cookie that may bring it instead. */
  readonly cookie?: string
  /** Claims that go upstream, each with its field (lower case). Values that are no text, number or boolean are JSON. */
  readonly claims: readonly (readonly [claim: string, field: string])[]
  /** Clocks may differ by so many seconds. */
  readonly leewaySeconds: number
  /** A token without `sub` is none. */
  readonly needsSubject?: true
  /** Filters behind it learn what it says: `claims` of its content, and its `sub` as the user. */
  readonly tellsOthers?: true
}

const timeoutMs = 5000

export const jwtKind: FilterKind<JwtFilter> = {
  kind: 'jwt',
  isGuard: true,
  defaults: { audiences: [], header: 'authorization', claims: [], leewaySeconds: 30 },
  fault({ keys, albArn }) {
    if (keys !== undefined && albArn !== undefined) {
      return 'there are a key set and a load balancer: one of them signs'
    }
    if (albArn !== undefined) {
      return isAlbArn(albArn) ? undefined : 'the load balancer must be named by its ARN'
    }
    return keys === undefined ? 'there is no URL of a key set' : undefined
  },
  upstreams: ({ keys }) => (keys === undefined ? [] : [keys.service]),
  assets: ({ keys }) => (keys === undefined ? [] : [keySetOf(keys)]),
  compile(filter, context) {
    const { albArn, keys } = filter
    const check =
      keys === undefined
        ? checkByAlb(albArn ?? '', filter, context)
        : checkByKeySet(keys, filter, context)
    // The load balancer sets it beside the token, and does not sign it.
    const claims = [
      ...(albArn === undefined ? [] : [['sub', 'x-amzn-oidc-identity'] as const]),
      ...filter.claims,
    ]
    return {
      request: {
        kind: 'async',
        timeoutMs,
        onTimeout: 'auth-unavailable',
        start(request, settle) {
          for (const [, field] of claims) request.dropField(field)
          const token = tokenOf(request, filter)
          if (token === undefined) {
            settle(refusal('invalid_request'))
            return () => {}
          }
          return check(token, context.clock.wallNow(), (checked) => {
            if (checked === 'no-keys') settle('auth-unavailable')
            else if (checked === 'invalid-token') settle(refusal('invalid_token'))
            else if (filter.needsSubject === true && !isText(checked.sub)) {
              settle(refusal('invalid_token'))
            } else {
              setClaims(request, claims, checked)
              if (filter.tellsOthers === true) tellOthers(request, checked)
              settle(undefined)
            }
          })
        },
      },
    }
  },
}

/** Namespaces share a key set only where they name the same upstream: a foreign Service is another one than one's own. */
function keySetOf(from: KeySource): WantedAsset {
  return { kind: 'jwks', name: from.service.key + from.path, from }
}

function checkByKeySet(from: KeySource, filter: JwtFilter, context: CompileContext): CheckToken {
  // Loaded by the first route that asks for tokens: nobody else pays for it.
  const loading = import('./verify-token.ts')
  const keys = context.asset(keySetOf(from), (data): unknown => JSON.parse(data.keys ?? ''))
  let verify: { readonly keys: unknown; readonly run: VerifyToken } | undefined
  const verifier = async (now: unknown): Promise<VerifyToken> => {
    const { createVerifier } = await loading
    if (verify !== undefined && verify.keys === now) return verify.run
    const run = createVerifier(now, filter)
    verify = { keys: now, run }
    return run
  }
  return (token, nowMs, settle) => {
    if (keys.value === undefined) settle('no-keys')
    else {
      verifier(keys.value).then(
        (run) => run(token, nowMs).then(settle, () => settle('invalid-token')),
        // The key set is none.
        () => settle('no-keys'),
      )
    }
    return () => {}
  }
}

function tokenOf(request: RequestView, { header, cookie }: JwtFilter): string | undefined {
  const field = request.field(header)
  const token =
    header === 'authorization' ? /^bearer +(\S+)$/i.exec(field ?? '')?.[1] : field?.trim()
  return token ?? (cookie === undefined ? undefined : request.cookie(cookie))
}

/** RFC 6750 §3: what is wrong with the token, in as few words as may be told. */
function refusal(error: 'invalid_request' | 'invalid_token'): Verdict {
  const challenge = error === 'invalid_token' ? `Bearer error="${error}"` : 'Bearer'
  return {
    status: 401,
    code: 'unauthorized',
    headers: [
      ['WWW-Authenticate', challenge],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
    body: '401 unauthorized\nA valid token is needed.\n',
  }
}

function isText(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== ''
}

function tellOthers(request: RequestView, claims: Claims): void {
  const user = isText(claims.sub) ? claims.sub : ''
  noteToken(request, { user, content: { claims }, isInfo: false })
}

function setClaims(request: RequestView, claims: JwtFilter['claims'], payload: Claims): void {
  for (const [claim, field] of claims) {
    const value = payload[claim]
    if (value === undefined) continue
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    // A field is one line of bytes: what is beyond ASCII is escaped as in JSON.
    request.setField(
      field,
      text.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
    )
  }
}
