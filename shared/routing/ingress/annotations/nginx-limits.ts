// Limits per client in the words of ingress-nginx 1.15: how many requests, how many at a time, how fast a response.
//
// Invariant: they count by Ingress and client address, whatever the path, and act before anybody is asked who may come in.
// Invariant: a limit that is not understood closes the route; 0 and less ask for none.
import type { Filter } from '../../filters/kind.ts'
import { filterKinds } from '../../filters/kinds.ts'
import { type Draft, filterOf } from './draft.ts'
import { emptyIsAbsent, guarded, type Row, supported } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, parseCidrs, refuse } from './values.ts'

/** Parses a whole number, also a negative one; `off` and `false` are 0. */
export function parseInteger(text: string): Parsed<number> {
  if (/^(?:off|false)$/i.test(text)) return accept(0)
  return /^[+-]?\d{1,9}$/.test(text) ? accept(Number(text)) : refuse('must be a whole number')
}

/** Adds a limiter of the Ingress; a string when it is none. */
function limitBy(draft: Draft, kind: string, parts: object): Partial<Draft> | string {
  const limiter: Filter = filterOf(kind, {
    key: { from: 'address' },
    account: `Ingress ${draft.ingress}`,
    ...(draft.unlimited.length === 0 ? {} : { except: draft.unlimited }),
    ...parts,
  })
  const fault = filterKinds.get(kind)?.fault(limiter)
  if (fault !== undefined) return `cannot be served: ${fault}`
  return { limiters: [...draft.limiters, limiter] }
}

/** A leaky bucket of nginx lets one request pass beside its burst. */
const rateBy = (windowMs: number) => (limit: number, draft: Draft) =>
  limit <= 0
    ? {}
    : limitBy(draft, 'rate-limit', {
        limit,
        windowMs,
        burst: limit * draft.burstMultiplier + 1,
        status: draft.defaults.rateStatus ?? 503,
      })

const exceptions = (unlimited: readonly string[]): Partial<Draft> => ({ unlimited })

const pace = partOf('pace', 'nginx.ingress.kubernetes.io/limit-rate', (parts: object) => parts)

function paceBy(rate: number, draft: Draft): Partial<Draft> {
  const { pace: _before, ...others } = draft.filters
  if (rate <= 0) return { filters: others }
  const after = draft.defaults.limitRateAfter
  const parts = after === undefined ? {} : { afterBytes: after * 1024 }
  return pace({ bytesPerSecond: rate * 1024, ...parts }, draft)
}

/** The rows of limits. Those that the others build on come first. */
export const limitRows: readonly Row[] = [
  emptyIsAbsent(
    guarded(
      'limit-whitelist',
      'CIDRs',
      'Older name of `limit-allowlist`, which is stronger.',
      parseCidrs,
      exceptions,
    ),
  ),
  emptyIsAbsent(
    guarded(
      'limit-allowlist',
      'CIDRs',
      'Clients of these networks are not limited by `limit-rps`, `limit-rpm` and `limit-connections`.',
      parseCidrs,
      exceptions,
    ),
  ),
  emptyIsAbsent(
    guarded(
      'limit-burst-multiplier',
      'int',
      'How many times the rate may come at once, for `limit-rps` and `limit-rpm`; 5 when absent.',
      parseInteger,
      (multiplier) => (multiplier > 0 ? { burstMultiplier: multiplier } : {}),
    ),
  ),
  emptyIsAbsent(
    guarded(
      'limit-rps',
      'int; 0: no limit',
      'Requests per second of a client (of IPv6 a /64) for all paths of the Ingress, over all threads of a node; those above the burst get 503 (`limit-req-status-code` of the ConfigMap), before authentication.',
      parseInteger,
      rateBy(1000),
    ),
  ),
  emptyIsAbsent(
    guarded(
      'limit-rpm',
      'int; 0: no limit',
      'As `limit-rps`, per minute. Both may be given.',
      parseInteger,
      rateBy(60_000),
    ),
  ),
  emptyIsAbsent(
    guarded(
      'limit-connections',
      'int; 0: no limit',
      'Requests of a client in progress at a time for all paths of the Ingress; those above get 503 (`limit-conn-status-code` of the ConfigMap), before authentication. Differs: each thread has an equal share, rounded up.',
      parseInteger,
      (limit, draft) =>
        limit <= 0
          ? {}
          : limitBy(draft, 'concurrency', {
              limit,
              status: draft.defaults.connectionsStatus ?? 503,
            }),
    ),
  ),
  supported(
    'limit-rate',
    'KiB per second; 0: no limit',
    'A response body is sent no faster than this; the first second’s worth goes at once.',
    parseInteger,
    paceBy,
  ),
  supported(
    'limit-rate-after',
    'KiB',
    'So much of a body is sent before `limit-rate` counts.',
    parseInteger,
    (size, draft) =>
      draft.filters.pace === undefined ? {} : pace({ afterBytes: Math.max(0, size) * 1024 }, draft),
  ),
]
