// Which addresses serve one port of one Service now?
//
//   Service port (by number or name) --its name--> port of each EndpointSlice --> address:port of each endpoint
//
// Invariant: an upstream always comes out; whatever is missing leaves it without endpoints (503) and is a finding.
// Both address families are used: a dual-stack pod simply counts twice, and slices of one family are never left out.
import { isIP } from 'node:net'
import type { EndpointSlice, Service } from '../../kube/objects.ts'
import {
  identityOf,
  isAbsent,
  isPort,
  listOf,
  type Mapping,
  mappingOf,
  type Owner,
  shown,
} from '../shapes.ts'
import type { Endpoint, Upstream } from '../table.ts'
import type { BackendRef } from './backend-ref.ts'
import { readExternalName } from './external-name.ts'
import type { Finding } from './findings.ts'
import { areSamePlaces, distributionFindings, placesOf, readDistribution } from './nearness.ts'
import { decideEndpoints, type Sighting } from './readiness.ts'
import { type FoundPort, findServicePort } from './service-port.ts'
import { speechOf } from './upstream-protocol.ts'

export interface Resolved {
  /** False: nothing of that name exists, so `upstream` is not to be served. */
  readonly hasService: boolean
  readonly upstream: Upstream
  readonly findings: readonly Finding[]
}

/** Finds the endpoints of a backend. `service` is undefined when there is none; `slices` are those labelled with its name. */
export function resolveBackend(
  ref: BackendRef,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  externalNames: ReadonlySet<string>,
): Resolved {
  // A name or port that cannot exist was reported where the Ingress names it.
  if (ref.port === '') return { ...without(ref), hasService: service !== undefined }
  if (service === undefined) {
    const nothing = without(ref, {
      reason: 'service-missing',
      message: `There is no Service ${ref.service} in namespace ${ref.namespace}.`,
      remedy:
        'Create the Service or correct the name; a backend must be in the namespace of its Ingress.',
    })
    return { ...nothing, hasService: false }
  }
  const spec = mappingOf(service.spec)
  const found = findServicePort(ref, spec)
  if (found.kind === 'missing') return without(ref, found.finding)
  if (spec.type === 'ExternalName')
    return resolveExternal(ref, spec.externalName, found, externalNames)
  if (ref.viaService !== true) return resolveSlices(ref, found, spec, slices)
  return (
    resolveService(ref, found, spec) ??
    resolveSlices(ref, found, spec, slices, [withoutAddress(ref)])
  )
}

/** The Service's own address; undefined when it has none (it is headless). */
function resolveService(ref: BackendRef, found: FoundPort, spec: Mapping): Resolved | undefined {
  const { clusterIP: address } = spec
  if (typeof address !== 'string' || isIP(address) === 0) return undefined
  const speech = speechOf(ref, found.protocol, serviceHost(ref))
  const endpoints = [{ address, port: found.port, ...speech }]
  return { hasService: true, upstream: { key: ref.key, endpoints }, findings: [] }
}

function withoutAddress(ref: BackendRef): Finding {
  return {
    reason: 'unsupported-backend',
    message: `Service ${ref.serviceKey} has no clusterIP that service-upstream could use: its endpoints are used.`,
    remedy: 'Remove service-upstream from the Ingress, or give the Service a clusterIP.',
  }
}

/** The name that all endpoints of a Service have in common (Kubernetes DNS specification, 1.1, §2.3.1). */
function serviceHost({ service, namespace }: BackendRef): string {
  return `${service}.${namespace}.svc`
}

/** An upstream that has no endpoints, and why. */
export function without(ref: BackendRef, finding?: Finding): Resolved {
  return {
    hasService: true,
    upstream: { key: ref.key, endpoints: [] },
    findings: finding === undefined ? [] : [finding],
  }
}

/** An address needs nobody to look it up. */
function resolveExternal(
  ref: BackendRef,
  externalName: unknown,
  found: FoundPort,
  allowed: ReadonlySet<string>,
): Resolved {
  const reading = readExternalName(ref, externalName, allowed)
  if (reading.kind === 'refused') return without(ref, reading.finding)
  const { host } = reading
  const port = found.targetPort
  const speech = speechOf(ref, found.protocol, host)
  const upstream: Upstream =
    isIP(host) === 0
      ? { key: ref.key, endpoints: [], externalName: { host, port, ...speech } }
      : { key: ref.key, endpoints: [{ address: host, port, ...speech }] }
  return { hasService: true, upstream, findings: [] }
}

function resolveSlices(
  ref: BackendRef,
  found: FoundPort,
  spec: Mapping,
  slices: readonly EndpointSlice[],
  known: readonly Finding[] = [],
): Resolved {
  const findings = [...known, ...distributionFindings(ref, spec)]
  const distribution = readDistribution(spec)
  const sightings: Sighting[] = []
  let hasAnyEndpoint = false
  let hasPort = false
  for (const slice of byName(slices)) {
    const wrong = whatIsWrong(slice)
    if (wrong !== undefined) {
      findings.push(wrong)
      continue
    }
    const endpoints = listOf(slice.endpoints)
    hasAnyEndpoint ||= endpoints.length > 0
    const ports = portsOf(slice, found.name)
    hasPort ||= ports.length > 0
    let bad: unknown
    for (const value of endpoints) {
      const endpoint = mappingOf(value)
      // One pod may have several addresses of a family; the API says they are the same, and to use the first.
      const address = listOf(endpoint.addresses)[0]
      if (typeof address !== 'string' || isIP(address) === 0) {
        bad ??= address ?? null
        continue
      }
      const { conditions } = endpoint
      const places = placesOf(endpoint, distribution)
      for (const port of ports) sightings.push({ address, port, conditions, places })
    }
    if (bad !== undefined) findings.push(badAddress(slice, bad))
  }
  if (hasAnyEndpoint && !hasPort) findings.push(noSlicePort(ref, found))
  const decided = decideEndpoints(sightings)
  const speech = speechOf(ref, found.protocol, serviceHost(ref))
  const isPlain = Object.keys(speech).length === 0
  const endpoints = isPlain ? decided : decided.map((endpoint) => ({ ...endpoint, ...speech }))
  const upstream = { key: ref.key, endpoints }
  return { hasService: true, upstream, findings }
}

/** Slices come in any order; the result must not depend on it. */
function byName(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  if (slices.length < 2) return slices
  return slices.toSorted((a, b) =>
    (identityOf(a).name ?? '') < (identityOf(b).name ?? '') ? -1 : 1,
  )
}

/** Kubernetes matches slice ports by the name of the Service port, not by number: each slice may have its own number. */
function portsOf(slice: EndpointSlice, name: string): readonly number[] {
  const numbers: number[] = []
  for (const value of listOf(slice.ports)) {
    const { name: portName, port, protocol } = mappingOf(value)
    const isTcp = isAbsent(protocol) || protocol === 'TCP'
    if (isTcp && (isAbsent(portName) ? '' : portName) === name && isPort(port)) numbers.push(port)
  }
  return numbers
}

function whatIsWrong(slice: EndpointSlice): Finding | undefined {
  if (slice.addressType !== 'FQDN') return undefined
  return {
    reason: 'unsupported-backend',
    message: 'The slice lists host names (addressType FQDN), which are not used.',
    remedy: 'List IP addresses (addressType IPv4 or IPv6).',
    about: { owner: ownerOf(slice), field: 'addressType' },
  }
}

function badAddress(slice: EndpointSlice, address: unknown): Finding {
  return {
    reason: 'invalid-object',
    message: `The endpoint address ${shown(address)} is not an IP address and is left out.`,
    remedy: 'List IP addresses without port or brackets.',
    about: { owner: ownerOf(slice), field: 'endpoints' },
  }
}

function ownerOf(slice: EndpointSlice): Owner {
  const { namespace, name } = identityOf(slice)
  return { kind: 'EndpointSlice', namespace, name: name ?? '' }
}

function noSlicePort(ref: BackendRef, found: FoundPort): Finding {
  const name = found.name === '' ? 'without a name' : `named ${shown(found.name)}`
  return {
    reason: 'port-missing',
    message: `Service ${ref.serviceKey} has endpoints, but none of its EndpointSlices has a TCP port ${name}.`,
    remedy:
      'Give the slice port the name of the Service port; with a named targetPort, name the port of the container.',
  }
}

/** Tells whether two upstreams mean the same. */
export function isSameUpstream(a: Upstream, b: Upstream): boolean {
  return (
    a.key === b.key &&
    a.externalName?.host === b.externalName?.host &&
    a.externalName?.port === b.externalName?.port &&
    a.externalName?.scheme === b.externalName?.scheme &&
    a.externalName?.serverName === b.externalName?.serverName &&
    a.externalName?.protocol === b.externalName?.protocol &&
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every((endpoint, index) => isSameEndpoint(endpoint, b.endpoints[index]))
  )
}

function isSameEndpoint(a: Endpoint, b: Endpoint | undefined): boolean {
  return (
    a.address === b?.address &&
    a.port === b.port &&
    a.serverName === b.serverName &&
    a.protocol === b.protocol &&
    areSamePlaces(a.places, b.places)
  )
}
