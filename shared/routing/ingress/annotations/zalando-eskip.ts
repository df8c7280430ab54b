// The annotations that are written in eskip: what their texts change of an Ingress's draft.
//
// Invariant: a text that cannot be read, and a word of it that is not known, closes the routes; nothing of it is served.

import { closedMatches, namesPath } from '../../eskip/closed-matches.ts'
import { readFilters } from '../../eskip/filters/read.ts'
import { type Call, tellFault } from '../../eskip/language.ts'
import { parseEskip, parseFilters, parsePredicates } from '../../eskip/parse.ts'
import { readPredicates } from '../../eskip/predicates/read.ts'
import { refOfAddresses } from '../../upstreams/backend-ref.ts'
import type { Draft } from './draft.ts'

type Change = Partial<Draft> | string

/** Adds filters to those that are there. */
export function addFilters(text: string, draft: Draft): Change {
  const result = parseFilters(text)
  if (!result.ok) return `cannot be read: ${tellFault(result)}`
  const calls = [...(draft.calls ?? []), ...result.value]
  const change = withFilters(draft, calls)
  return typeof change === 'string' ? `cannot be served: ${change}` : change
}

/** Reads filters with those of the operator around them; a text is what is wrong with them. */
export function withFilters(draft: Draft, calls: readonly Call[]): Change {
  const { prepend = [], append = [], ...context } = draft.defaults.eskip ?? {}
  const all = [...prepend, ...calls, ...append]
  const reading = readFilters(all, { ...context, namespace: draft.namespace })
  if (!reading.ok) {
    const [fault] = reading.faults
    return fault === undefined
      ? ''
      : `${trimmed(fault.message)}. ${fault.remedy}`.replace(/\.$/, '')
  }
  const { filters, backend, notes } = reading
  const [note] = notes
  return {
    calls,
    eskip: { filters, backend },
    ...(note === undefined
      ? {}
      : { remark: `has a filter that changes nothing: ${trimmed(note.message)}` }),
  }
}

/** Narrows the routes to what predicates mean. */
export function narrowBy(text: string, draft: Draft): Change {
  const result = parsePredicates(text)
  if (!result.ok) return `cannot be read: ${tellFault(result)}`
  const reading = readPredicates(result.value, { hasHosts: true, seed: draft.ingress })
  if (!reading.ok) {
    const [fault] = reading.faults
    const wrong = `cannot be served: ${trimmed(fault?.message ?? '')}. ${trimmed(fault?.remedy ?? '')}`
    return result.value.some(namesPath) ? closedAt(result.value, draft, wrong) : wrong
  }
  const { conditions, hosts: _, ...match } = reading.match
  const before = draft.conditions
  return { match, conditions: before === undefined ? undefined : [...before, ...conditions] }
}

/** Where predicates name a path, that is closed, and not the paths of the rules, which others may have. */
function closedAt(calls: readonly Call[], draft: Draft, wrong: string): Change {
  const [place] = closedMatches(calls, [''], true)
  return {
    ...(place && { match: { pathType: place.pathType, path: place.path, weight: 0 } }),
    conditions: undefined,
    closed: draft.closed ?? `zalando.org/skipper-predicate: The value ${wrong}.`,
    remark: `${wrong}, and its path answers 503`,
  }
}

/** Reads routes that stand beside those of the rules. */
export function addRoutes(text: string): Change {
  const result = parseEskip(text)
  return result.ok ? { routes: result.value } : `cannot be read: ${tellFault(result)}`
}

/** Reads weights by the names of Services, as JSON. What is none counts as 0, as in Skipper, and what is no JSON as no weights. */
export function shareBy(text: string): Change {
  const weights = new Map<string, number>()
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      shares: weights,
      remark: 'is no JSON object: the Services of a path have equal shares',
    }
  }
  const odd: string[] = []
  for (const [service, weight] of Object.entries(value)) {
    if (typeof weight === 'number' && weight >= 0 && Number.isFinite(weight))
      weights.set(service, weight)
    else odd.push(service)
  }
  const remark =
    odd.length === 0
      ? {}
      : { remark: `has a weight of ${odd.join(', ')} that is none, and counts as 0` }
  return { shares: weights, ...remark }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Sends everything to another edge. */
export function forwardAll(text: string, draft: Draft): Change {
  const { forwardUrl } = draft.defaults.eskip ?? {}
  if (text !== 'forward') return { remark: 'is none, and has no effect' }
  if (forwardUrl === undefined) {
    return { remark: 'has no effect without --forward-backend-url' }
  }
  return { forwardTo: refOfAddresses([forwardUrl], draft.namespace) }
}

function trimmed(message: string): string {
  return message.replace(/\.$/, '')
}
