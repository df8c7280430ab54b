// What does the client's token claim? Nobody vouches for it: a route that must be sure verifies the token, too (jwt).
import { isMapping } from '../shapes.ts'
import type { TokenCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'
import { compileText, faultOfText } from './text-match.ts'

// RFC 7515 §3.1: header, payload and signature, base64url each.
const bearer = /^Bearer [\w-]*\.([\w-]+)\.[\w-]*$/

/** `token`. */
export const token: ConditionKind<TokenCondition> = {
  fault({ claims }) {
    if (claims.length === 0) return 'names no claim'
    for (const { text } of claims) {
      const wrong = faultOfText(text)
      if (wrong !== undefined) return wrong
    }
    return undefined
  },
  compile({ needs, claims }) {
    const tests = claims.map(({ name, text }) => ({ name, test: compileText(text) }))
    return (request) => {
      const payload = payloadOf(request.field('authorization'))
      if (payload === undefined) return false
      const holds = ({ name, test }: (typeof tests)[number]) => {
        const value = Object.hasOwn(payload, name) ? payload[name] : undefined
        return typeof value === 'string' && test(value)
      }
      return needs === 'all' ? tests.every(holds) : tests.some(holds)
    }
  },
}

function payloadOf(authorization: string | undefined): Record<string, unknown> | undefined {
  const encoded = bearer.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  try {
    const payload: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'))
    return isMapping(payload) ? payload : undefined
  } catch {
    return undefined
  }
}
