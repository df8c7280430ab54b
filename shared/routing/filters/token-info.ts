// Who is it, by a token that its issuer is asked about (Skipper's oauthTokeninfo)? What it answers is JSON: `uid`, `scope`, …
//
// Invariant: only 200 with the wanted claims lets a request in; what is no answer within the time is a no (401), and nothing of an
// answer is kept for another request.
import type { BackendRef } from '../upstreams/backend-ref.ts'
import type { CallResult, Filter, FilterKind, RequestView, Verdict } from './kind.ts'
import { noteToken, tokenFactsOf } from './token-facts.ts'

/** Lets in whose token has what is wanted. */
export interface TokenInfoFilter extends Filter {
  readonly kind: 'token-info'
  readonly service: BackendRef
  /** As the Host field names it. */
  readonly authority: string
  /** Path and query. */
  readonly path: string
  readonly timeoutMs: number
  /** One of them, or all. */
  readonly needs: 'any' | 'all'
  readonly wanted:
    | { readonly in: 'scope'; readonly scopes: readonly string[] }
    | { readonly in: 'fields'; readonly pairs: readonly (readonly [name: string, value: string])[] }
}

const maxAnswerBytes = 64 << 10

export const tokenInfoKind: FilterKind<TokenInfoFilter> = {
  kind: 'token-info',
  isGuard: true,
  fault: ({ wanted }) =>
    (wanted.in === 'scope' ? wanted.scopes : wanted.pairs).length > 0
      ? undefined
      : 'there is nothing that a token must have',
  upstreams: ({ service }) => [service],
  compile(filter, context) {
    const { service, authority, path, timeoutMs } = filter
    return {
      request: {
        kind: 'async',
        timeoutMs,
        onTimeout: refusal(401),
        start(request, settle) {
          const known = tokenFactsOf(request)
          if (known?.isInfo === true) {
            settle(judge(known.content, filter))
            return () => {}
          }
          const token = /^bearer +(\S+)$/i.exec(request.field('authorization') ?? '')?.[1]
          if (token === undefined) {
            settle(refusal(401))
            return () => {}
          }
          const fields = `authorization: Bearer ${token}\r\naccept: application/json\r\n`
          return context.call(
            service.key,
            {
              ...{ method: 'GET', target: path, authority, fields },
              ...{ timeoutMs, maxBodyBytes: maxAnswerBytes },
            },
            (result) => {
              const content = contentOf(result)
              settle(content === undefined ? refusal(401) : take(request, content, filter))
            },
          )
        },
      },
    }
  },
}

function contentOf(result: CallResult): Readonly<Record<string, unknown>> | undefined {
  if ('failure' in result || result.status !== 200) return undefined
  try {
    const content: unknown = JSON.parse(result.body.toString('utf8'))
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
    return isObject ? { ...content } : undefined
  } catch {
    return undefined
  }
}

function take(
  request: RequestView,
  content: Readonly<Record<string, unknown>>,
  filter: TokenInfoFilter,
): Verdict {
  const verdict = judge(content, filter)
  if (verdict !== undefined) return verdict
  const user = typeof content.uid === 'string' ? content.uid : ''
  noteToken(request, { user, content, isInfo: true })
  return undefined
}

function judge(
  content: Readonly<Record<string, unknown>>,
  { wanted, needs }: TokenInfoFilter,
): Verdict {
  const found =
    wanted.in === 'scope'
      ? wanted.scopes.map((scope) => Array.isArray(content.scope) && content.scope.includes(scope))
      : wanted.pairs.map(([name, value]) => content[name] === value)
  const fits = needs === 'all' ? found.every(Boolean) : found.some(Boolean)
  return fits ? undefined : refusal(403)
}

function refusal(status: 401 | 403): Verdict {
  return {
    status,
    code: status === 401 ? 'unauthorized' : 'forbidden',
    headers: [['content-type', 'text/plain; charset=utf-8']],
    body: `${status} ${status === 401 ? 'A valid token is needed.' : 'The token does not allow it.'}\n`,
  }
}
