// Which hosts of an Ingress have TLS? ingress-nginx sends http to https for these only.
import type { Ingress } from '../../kube/objects.ts'
import { listOf, mappingOf } from '../shapes.ts'

/**
 * Makes the test of a host as a rule names it. `spec.tls` covers the hosts that it lists, `*.a.test` one label more, and all
 * that have a name where it lists none.
 */
export function tlsHostsOf(ingress: Ingress): (host: string) => boolean {
  const entries = listOf(mappingOf(ingress.spec).tls).map((entry) => listOf(mappingOf(entry).hosts))
  if (entries.length === 0) return () => false
  if (entries.some((hosts) => hosts.length === 0)) return (host) => host !== ''
  const listed = new Set(
    entries.flat().map((host) => (typeof host === 'string' ? host.toLowerCase() : '')),
  )
  return (host) => host !== '' && (listed.has(host) || listed.has(host.replace(/^[^.]+/, '*')))
}
