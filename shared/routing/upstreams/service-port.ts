// Which port of a Service does a backend mean, by number or by name, and what is it called in the EndpointSlices?
//
// Invariant: only TCP ports are found; the same number may be there once for TCP and once for UDP.

import { isAbsent, isPort, listOf, type Mapping, mappingOf, shown, textOf } from '../shapes.ts'
import type { BackendRef } from './backend-ref.ts'
import type { Finding } from './findings.ts'

export interface FoundPort {
  readonly kind: 'found'
  /** Name of the port in slices; empty for the only, unnamed one. */
  readonly name: string
  /** The Service's own port number. */
  readonly port: number
  /** Where an ExternalName host listens. */
  readonly targetPort: number
  readonly findings: readonly Finding[]
}

export interface MissingPort {
  readonly kind: 'missing'
  readonly finding: Finding
}

// HTTP/1.1 is what goes upstream (KEP-3726 and older custom values).
const unsupportedProtocols = /^(https|grpcs?|kubernetes\.io\/(h2c|wss)|h2c|h2|http2)$/i

/** Finds the port that `ref` names in the Service's `spec`. */
export function findServicePort(ref: BackendRef, spec: Mapping): FoundPort | MissingPort {
  const ports = listOf(spec.ports).map(mappingOf)
  const port = ports.find((candidate) => isTcp(candidate) && isNamed(candidate, ref.port))
  if (port !== undefined) {
    const { port: number, targetPort } = port
    const target = isPort(targetPort) ? targetPort : number
    if (isPort(target)) {
      const name = textOf(port.name) ?? ''
      const findings = protocolFindings(ref, port)
      return {
        kind: 'found',
        name,
        port: isPort(number) ? number : target,
        targetPort: target,
        findings,
      }
    }
  }
  // An ExternalName Service needs no ports.
  if (spec.type === 'ExternalName' && ports.length === 0 && typeof ref.port === 'number') {
    return { kind: 'found', name: '', port: ref.port, targetPort: ref.port, findings: [] }
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

function protocolFindings(ref: BackendRef, port: Mapping): readonly Finding[] {
  const protocol = textOf(port.appProtocol)
  if (protocol === undefined || !unsupportedProtocols.test(protocol)) return []
  if (ref.tls !== undefined && /^https$/i.test(protocol)) return []
  return [
    {
      reason: 'unsupported-backend',
      message: `The port asks for appProtocol ${shown(protocol)}; requests are sent as HTTP/1.1 without TLS.`,
      remedy: 'Let the port speak HTTP/1.1, or remove appProtocol if it does.',
      about: {
        owner: { kind: 'Service', namespace: ref.namespace, name: ref.service },
        field: 'spec.ports',
      },
    },
  ]
}
