// Where does a Service of type ExternalName lead, and may it?
//
// Invariant: whoever writes a Service cannot choose any host that the proxy can reach (CVE-2026-24470): only hosts of
// `--external-names` pass.
import { readExternalHost } from '../../external-host.ts'
import { shown, textOf } from '../shapes.ts'
import type { BackendRef } from './backend-ref.ts'
import type { Finding } from './findings.ts'

/** A host that is allowed: a DNS name or an IP address, in its one form. */
export interface AllowedHost {
  readonly kind: 'allowed'
  readonly host: string
}

/** A host that is not, or that is none. */
export interface RefusedHost {
  readonly kind: 'refused'
  readonly finding: Finding
}

/** Reads `spec.externalName` of the Service that `ref` names. `allowed` are hosts in their one form. */
export function readExternalName(
  ref: BackendRef,
  externalName: unknown,
  allowed: ReadonlySet<string>,
): AllowedHost | RefusedHost {
  const result = readExternalHost(textOf(externalName) ?? '')
  const host = shown(externalName ?? null)
  const reason = 'external-name-refused'
  if (!result.ok) {
    const owner = { kind: 'Service', namespace: ref.namespace, name: ref.service }
    const message = `The external name ${host} ${result.reason}.`
    const remedy = 'Write a DNS name or an IP address; the port belongs to spec.ports.'
    const about = { owner, field: 'spec.externalName' }
    return { kind: 'refused', finding: { reason, message, remedy, about } }
  }
  if (allowed.has(result.host)) return { kind: 'allowed', host: result.host }
  const message = `Service ${ref.serviceKey} points to the external host ${host}, which is not allowed.`
  const remedy = 'Add the host to --external-names, or use a Service with endpoints.'
  return { kind: 'refused', finding: { reason, message, remedy } }
}
