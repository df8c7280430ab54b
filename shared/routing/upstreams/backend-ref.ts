// How is one port of one Service named, by routes and by filters?
//
// Invariant: the Service name of a reference is empty or has no `/`, so its key cannot point into another namespace.

/** One port of one Service. */
export interface BackendName {
  readonly namespace: string
  readonly service: string
  /** As named: the Service port's number or name. Empty: the rule names none that can exist, and nothing serves it. */
  readonly port: number | string
}

/** A backend of a rule, with the keys it is found by. */
export interface BackendRef extends BackendName {
  /** Key of the Upstream: `namespace/service:port`. */
  readonly key: string
  /** `namespace/service`. */
  readonly serviceKey: string
}

/** Makes the keys of a backend. */
export function refOf({ namespace, service, port }: BackendName): BackendRef {
  const serviceKey = `${namespace}/${service}`
  return { namespace, service, port, serviceKey, key: `${serviceKey}:${port}` }
}
