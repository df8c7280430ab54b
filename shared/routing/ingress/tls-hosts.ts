// Which hosts of an Ingress have TLS? ingress-nginx sends http to https for these only.
import type { Ingress } from '../../kube/objects.ts'
import { listOf, mappingOf } from '../shapes.ts'

/**
 * Makes the test of a host as a rule names it. With ingress-nginx all hosts of an Ingress with `spec.tls` have TLS: those that it
 * does not list get the default certificate. An Ingress for any host has none of its own.
 */
export function tlsHostsOf(ingress: Ingress): (host: string) => boolean {
  const hasTls = listOf(mappingOf(ingress.spec).tls).length > 0
  return (host) => hasTls && host !== ''
}
