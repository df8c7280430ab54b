// How is what requests go to named, by routes and by filters: one port of one Service, or the origin of a URL?
//
// Invariant: the Service name of a reference is empty or has no `/`, so its key cannot point into another namespace.
// Invariant: a reference with an origin counts only where the operator allows that origin.
import { formatOrigin, type Origin } from '../../auth-origin.ts'
import type { SpokenAs } from './upstream-protocol.ts'
import { idOfTls } from './upstream-tls.ts'

/** One port of one Service. */
export interface BackendName {
  readonly namespace: string
  readonly service: string
  /** As named: the Service port's number or name; 0: the first. Empty: the rule names none that can exist, and nothing serves it. */
  readonly port: number | string
}

/** A backend of a rule, with the keys it is found by. */
export interface BackendRef extends BackendName, SpokenAs {
  /** Key of the Upstream: `namespace/service:port`. */
  readonly key: string
  /** `namespace/service`. */
  readonly serviceKey: string
  /** Of a URL that leads out of the namespace: to a Service of another one, or (then `service` is empty) to a host. */
  readonly origin?: Origin
  /** Of addresses that an object names instead of a Service (then `service` is empty). */
  readonly addresses?: readonly Origin[]
  /** Its one endpoint is the address of the Service itself. */
  readonly viaService?: true
}

/** Makes the keys of a backend. */
export function refOf({ namespace, service, port }: BackendName): BackendRef {
  const serviceKey = `${namespace}/${service}`
  return { namespace, service, port, serviceKey, key: `${serviceKey}:${port}` }
}

/** Makes the reference of a backend whose requests go to the Service's own address. */
export function throughService(ref: BackendRef): BackendRef {
  return { ...ref, key: `${ref.key} service`, viaService: true }
}

// The DNS names of a Service (Kubernetes DNS specification, 1.1, §2.3.1).
const serviceDnsName =
  /^([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\.([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\.svc(?:\.cluster\.local)?$/

/** Makes the reference of a URL that an object of `namespace` names: of a Service where the host is the DNS name of one. */
export function refOfOrigin(origin: Origin, namespace: string): BackendRef {
  const { host, port } = origin
  const [, service = '', of = ''] = serviceDnsName.exec(host) ?? []
  const ref = refOf({ namespace: of, service, port })
  if (service !== '' && of === namespace) return ref
  return { ...ref, key: formatOrigin(origin), origin }
}

/** Makes the reference of addresses that serve a route; one that is the DNS name of a Service of `namespace` is that Service. */
export function refOfAddresses(addresses: readonly Origin[], namespace: string): BackendRef {
  const [first, ...others] = addresses
  if (first !== undefined && others.length === 0) {
    const ref = refOfOrigin(first, namespace)
    if (ref.origin === undefined)
      return spokenAs(ref, first.scheme === 'https' ? { protocol: 'https' } : {})
  }
  const key = `<${addresses.map(formatOrigin).join(', ')}>`
  return { ...refOf({ namespace, service: '', port: 0 }), key, addresses }
}

/** Makes the reference of a backend that is spoken to as its Ingress says; two ways of one Service are two upstreams. */
export function spokenAs(ref: BackendRef, { tls, protocol }: SpokenAs): BackendRef {
  let { key } = ref
  if (protocol !== undefined) key += ` as ${protocol}`
  if (tls !== undefined) key += ` ${idOfTls(tls)}`
  return {
    ...ref,
    key,
    ...(tls === undefined ? {} : { tls }),
    ...(protocol === undefined ? {} : { protocol }),
  }
}
