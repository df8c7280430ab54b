// Which clients are turned away by what they say they are, or where they come from? ingress-nginx's block-user-agents and
// block-referers. It keeps nuisances out and protects nothing: a client says what it likes.
import { compileSearch, type Search } from '../pattern.ts'
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
    [...userAgents, ...referers].map(faultOfBlock).find((fault) => fault !== undefined),
  compile({ userAgents = [], referers = [] }) {
    const isBlockedAgent = anyOf(userAgents)
    const isBlockedReferer = anyOf(referers)
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

/** Says why a text is no entry of these lists, as the end of a sentence; undefined when it is one. */
export function faultOfBlock(entry: string): string | undefined {
  const result = searchOf(entry)
  return result === undefined || result.ok ? undefined : result.reason
}

function searchOf(entry: string): ReturnType<typeof compileSearch> | undefined {
  if (entry.startsWith('~*')) return compileSearch(`(?i)${entry.slice(2)}`)
  return entry.startsWith('~') ? compileSearch(entry.slice(1)) : undefined
}

function anyOf(entries: readonly string[]): Search {
  const texts = new Set<string>()
  const searches: Search[] = []
  for (const entry of entries) {
    const result = searchOf(entry)
    if (result === undefined) texts.add(entry.toLowerCase())
    else if (result.ok) searches.push(result.search)
  }
  return (text) => texts.has(text.toLowerCase()) || searches.some((search) => search(text))
}
