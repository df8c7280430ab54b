// The older Endpoints object of a Service, read as the EndpointSlices that a cluster would make of it. Pure.
import { isIPv4, isIPv6 } from 'node:net'
import { isRecord } from '../kube/error.ts'
import type { EndpointSlice, KubeObject, SliceEndpoint } from '../kube/objects.ts'

/**
 * Gives one slice per subset and address family. What is not understood (a host name as address, a port without a
 * number) is left out, as the API server would refuse it.
 */
export function endpointsToSlices(endpoints: KubeObject): EndpointSlice[] {
  const { name = '', namespace = 'default' } = endpoints.metadata ?? {}
  const subsets: unknown = Reflect.get(endpoints, 'subsets')
  const slices: EndpointSlice[] = []
  for (const [index, subset] of asArray(subsets).entries()) {
    if (!isRecord(subset)) continue
    const all = [
      ...readAddresses(subset.addresses, true),
      ...readAddresses(subset.notReadyAddresses, false),
    ]
    const families = [
      { addressType: 'IPv4', members: all.filter(({ address }) => isIPv4(address)) },
      { addressType: 'IPv6', members: all.filter(({ address }) => isIPv6(address)) },
    ]
    for (const { addressType, members } of families) {
      if (members.length === 0) continue
      slices.push({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          // No name of a real object has a colon.
          name: `endpoints:${name}:${index}:${addressType}`,
          namespace,
          labels: { 'kubernetes.io/service-name': name },
        },
        addressType,
        endpoints: members.map(({ address, ready, nodeName }): SliceEndpoint => {
          const conditions = { ready }
          return {
            addresses: [address],
            conditions,
            ...(nodeName === undefined ? {} : { nodeName }),
          }
        }),
        ports: asArray(subset.ports).flatMap(readPort),
      })
    }
  }
  return slices
}

interface Member {
  readonly address: string
  readonly ready: boolean
  readonly nodeName: string | undefined
}

function readAddresses(value: unknown, ready: boolean): Member[] {
  return asArray(value).flatMap((entry) => {
    if (!isRecord(entry) || typeof entry.ip !== 'string') return []
    const nodeName = typeof entry.nodeName === 'string' ? entry.nodeName : undefined
    return [{ address: entry.ip, ready, nodeName }]
  })
}

function readPort(value: unknown): { name?: string; port: number; protocol?: string }[] {
  if (!isRecord(value) || typeof value.port !== 'number') return []
  return [
    {
      port: value.port,
      ...(typeof value.name === 'string' ? { name: value.name } : {}),
      ...(typeof value.protocol === 'string' ? { protocol: value.protocol } : {}),
    },
  ]
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
