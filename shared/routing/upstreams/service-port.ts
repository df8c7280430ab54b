// Which port of a Service does a backend mean, by number or by name, and what is it called in the EndpointSlices?
//
// Invariant: only TCP ports are found; the same number may be there once for TCP and once for UDP.

import { isAbsent, isPort, listOf, type Mapping, mappingOf, shown, textOf } from '../shapes.ts'
import type { BackendRef } from './backend-ref.ts'
import type { Finding } from './findings.ts'
import { protocolOfPort, type UpstreamProtocol } from './upstream-protocol.ts'

export interface FoundPort {
  readonly kind: 'found'
  /** Name of the port in slices; empty for the only, unnamed one. */
  readonly name: string
  /** The Service's own port number. */
  readonly port: number
  /** Where an ExternalName host listens. */
  readonly targetPort: number
  /** What its endpoints speak, where the port says so. */
  readonly protocol?: UpstreamProtocol
}

export interface MissingPort {
  readonly kind: 'missing'
  readonly finding: Finding
}

/** Finds the port that `ref` names in the Service's `spec`. */
export function findServicePort(ref: BackendRef, spec: Mapping): FoundPort | MissingPort {
  const ports = listOf(spec.ports).map(mappingOf)
  const port = ports.find((candidate) => isTcp(candidate) && isNamed(candidate, ref.port))
  if (port !== undefined) {
    const { port: number, targetPort } = port
    const target = isPort(targetPort) ? targetPort : number
    if (isPort(target)) {
      const name = textOf(port.name) ?? ''
      const protocol = protocolOfPort(textOf(port.appProtocol) ?? '')
      return {
        kind: 'found',
        name,
        port: isPort(number) ? number : target,
        targetPort: target,
        ...(protocol === undefined ? {} : { protocol }),
      }
    }
  }
  // An ExternalName Service needs no ports.
  if (spec.type === 'ExternalName' && ports.length === 0 && typeof ref.port === 'number') {
    return { kind: 'found', name: '', port: ref.port, targetPort: ref.port }
  }
  const known = ports.filter(isTcp).map((candidate) => textOf(candidate.name) ?? candidate.port)
  return {
    kind: 'missing',
    finding: {
      reason: 'port-missing',
      message: `Service ${ref.serviceKey} has no TCP port ${shown(ref.port)}.`,
      remedy:
        known.length === 0
          ? 'Add the port to spec.ports of the Service.'
          : `Name a port of the Service's spec.ports: ${known.map(shown).join(', ')}.`,
    },
  }
}

function isTcp(port: Mapping): boolean {
  return isAbsent(port.protocol) || port.protocol === 'TCP'
}

function isNamed(port: Mapping, wanted: number | string): boolean {
  if (wanted === 0) return true
  return typeof wanted === 'number' ? port.port === wanted : port.name === wanted
}
