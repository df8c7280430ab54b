// What does a Service say about where clients reach it, and how is a name or an address written in a status?
//
// As ingress-nginx does it (internal/ingress/status/status.go): a balancer's names and addresses with external ones, else what
// the type of the Service has.
import { isIP } from 'node:net'
import type { Service } from '../../shared/kube/objects.ts'
import type { StatusEntry } from '../world.ts'

const hostName =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** Tells whether a status may show it: an IP address, or a host name in lower case (RFC 1123; the API server refuses others). */
export function isPublishable(text: string): boolean {
  if (isIP(text) > 0) return true
  // 10.0.0 and 300.1.1.1 are addresses that somebody mistyped: a last label of digits is no domain (RFC 3696 §2).
  return hostName.test(text) && !/(^|\.)\d+$/.test(text)
}

/** Lists names and addresses of a Service, each once and sorted; empty while it has none. */
export function addressesOf({ spec = {}, status }: Service): string[] {
  const { type = 'ClusterIP', clusterIP = '', externalIPs = [], externalName = '' } = spec
  const own = clusterIP === 'None' ? '' : clusterIP
  const found = {
    LoadBalancer: [...(status?.loadBalancer?.ingress ?? []).map(shownIn), ...externalIPs],
    NodePort: externalIPs.length > 0 ? externalIPs : [own],
    ExternalName: [externalName],
    ClusterIP: [own],
  }[type]
  return inOrder((found ?? []).filter(isPublishable))
}

/** In the order in which they are shown. */
export function inOrder(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}

/** The name of an entry, or its address when it has none. */
export function shownIn({ hostname = '', ip = '' }: StatusEntry): string {
  return hostname === '' ? ip : hostname
}

/** The entry of a name or an address. */
export function entryOf(text: string): StatusEntry {
  return isIP(text) > 0 ? { ip: text } : { hostname: text }
}
