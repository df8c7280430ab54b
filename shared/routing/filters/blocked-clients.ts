// Which clients are turned away by what they say they are, or where they come from? ingress-nginx's block-user-agents and
// block-referers. It keeps nuisances out and protects nothing: a client says what it likes.
import { compileTexts, faultOfEntry } from '../text-list.ts'
import type { Filter, FilterKind } from './kind.ts'

export interface BlockedClientsFilter extends Filter {
  readonly kind: 'blocked-clients'
  /** Texts, compared whole and without case, or patterns: `~` with case, `~*` without (as in an nginx `map`). */
  readonly userAgents?: readonly string[]
  readonly referers?: readonly string[]
}

export const blockedClientsKind: FilterKind<BlockedClientsFilter> = {
  kind: 'blocked-clients',
  isGuard: true,
  fault: ({ userAgents = [], referers = [] }) =>
    [...userAgents, ...referers].map(faultOfEntry).find((fault) => fault !== undefined),
  compile({ userAgents = [], referers = [] }) {
    const isBlockedAgent = compileTexts(userAgents)
    const isBlockedReferer = compileTexts(referers)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const isBlocked =
            isBlockedAgent(request.field('user-agent') ?? '') ||
            isBlockedReferer(request.field('referer') ?? '')
          return isBlocked ? 'access-denied' : undefined
        },
      },
    }
  },
}
