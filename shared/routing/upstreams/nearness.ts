// For clients in which zones and on which nodes is an endpoint meant? (Kubernetes: KEP-2433 hints, KEP-3015
// trafficDistribution.) The proxy decides with its own zone what to make of it: proxy/upstream/near-endpoints.ts.
//
//   hints of the slice                        as they are: the slice's controller knows all nodes
//   none, and the Service asks for a zone     the endpoint's own zone
//   none, and the Service asks for a node     the endpoint's own node, then its own zone
//
// Invariant: a Service that asks for nothing, in slices without hints, has endpoints without places.
import { listOf, type Mapping, mappingOf, shown, textOf } from '../shapes.ts'
import type { Places } from '../table.ts'
import type { BackendRef } from './backend-ref.ts'
import type { Finding } from './findings.ts'

/** Which endpoints a Service prefers; undefined: none. */
export type Distribution = 'zone' | 'node' | undefined

const distributions = new Map<unknown, Distribution>([
  ['PreferSameZone', 'zone'],
  // The name until Kubernetes 1.34, still valid.
  ['PreferClose', 'zone'],
  ['PreferSameNode', 'node'],
])

/** Reads `spec.trafficDistribution` of a Service. */
export function readDistribution(spec: Mapping): Distribution {
  return distributions.get(spec.trafficDistribution)
}

/** Reports a distribution that nobody knows; it is a wish, so the Service is served without it. */
export function distributionFindings(ref: BackendRef, spec: Mapping): readonly Finding[] {
  const { trafficDistribution: value = null } = spec
  if (value === null || distributions.has(value)) return []
  return [
    {
      reason: 'invalid-object',
      message: `The traffic distribution ${shown(value)} is not known; all endpoints are used alike.`,
      remedy: `Use one of ${[...distributions.keys()].join(', ')}.`,
      about: {
        owner: { kind: 'Service', namespace: ref.namespace, name: ref.service },
        field: 'spec.trafficDistribution',
      },
    },
  ]
}

/** Tells where the clients are that an endpoint of a slice is meant for; undefined when nobody says. */
export function placesOf(endpoint: Mapping, distribution: Distribution): Places | undefined {
  const hints = mappingOf(endpoint.hints)
  const hintedZones = namesOf(hints.forZones)
  const hintedNodes = namesOf(hints.forNodes)
  if (hintedZones.length + hintedNodes.length > 0) return places(hintedZones, hintedNodes)
  if (distribution === undefined) return undefined
  const zone = textOf(endpoint.zone)
  const node = distribution === 'node' ? textOf(endpoint.nodeName) : undefined
  return places(zone === undefined ? [] : [zone], node === undefined ? [] : [node])
}

function places(zones: readonly string[], nodes: readonly string[]): Places | undefined {
  if (zones.length + nodes.length === 0) return undefined
  return nodes.length === 0 ? { zones } : { zones, nodes }
}

function namesOf(value: unknown): readonly string[] {
  return listOf(value).flatMap((item) => textOf(mappingOf(item).name) ?? [])
}

/** Tells whether two endpoints are meant for the same places. */
export function areSamePlaces(a: Places | undefined, b: Places | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return areSameNames(a.zones, b.zones) && areSameNames(a.nodes ?? [], b.nodes ?? [])
}

function areSameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}
