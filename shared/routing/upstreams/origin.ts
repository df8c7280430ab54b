// Where does the URL of a filter lead, and may it?
//
// Invariant: whoever writes an Ingress cannot choose any host that the proxy can reach, nor a Service of another namespace: only
// origins of `--auth-urls` pass. Its `any` lets no address of this machine or of a link pass.
import { isIP } from 'node:net'
import { formatOrigin, judgeOrigin, type Origin } from '../../auth-origin.ts'
import type { Upstream } from '../table.ts'
import type { BackendRef } from './backend-ref.ts'
import { type Resolved, without } from './endpoints.ts'

/** Finds the upstream of an origin; `resolveService` does for the origin of a Service of another namespace. */
export function resolveOrigin(
  ref: BackendRef,
  origin: Origin,
  allowed: ReadonlySet<string>,
  resolveService: () => Resolved,
): Resolved {
  const judgement = judgeOrigin(origin, allowed)
  if (judgement === 'refused') {
    return without(ref, {
      reason: 'auth-url-refused',
      message: `The URL ${formatOrigin(origin)} leads out of the namespace and is not allowed: Weir does not ask it, and what needs its answer is 503.`,
      remedy: `Have the operator add ${formatOrigin(origin)} to --auth-urls, or name a Service of the namespace.`,
    })
  }
  if (ref.service !== '') return resolveService()
  const { scheme, host, port } = origin
  const unlisted = judgement === 'any' ? ({ isUnlisted: true } as const) : {}
  const tls = scheme === 'https' ? { serverName: host } : {}
  const upstream: Upstream =
    isIP(host) === 0
      ? { key: ref.key, endpoints: [], externalName: { ...origin, ...unlisted } }
      : { key: ref.key, endpoints: [{ address: host, port, ...tls }] }
  return { hasService: true, upstream, findings: [] }
}
