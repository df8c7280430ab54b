// Ingresses as they were written for ingress-nginx, in one line each.
import type { Ingress } from '../../shared/kube/objects.ts'
import { ingressOf } from '../support/manifests.ts'

/** An Ingress of the class nginx; what is left out is not there. */
export interface SiteSketch {
  readonly name: string
  readonly namespace?: string
  /** `host path service [pathType]`, such as `a.test / web` (Prefix unless said otherwise). */
  readonly rules: readonly string[]
  /** Annotations without their prefix; those of other families with it. */
  readonly keys?: Readonly<Record<string, string>>
  /** Hosts of the one TLS section. */
  readonly tls?: readonly string[]
  readonly created?: string
}

/** Makes the Ingress. */
export function siteOf({ name, namespace, rules, keys = {}, tls, created }: SiteSketch): Ingress {
  const annotations = Object.entries(keys).map(([key, value]) => [
    key.includes('/') ? key : `nginx.ingress.kubernetes.io/${key}`,
    value,
  ])
  const sketches = rules.map((rule) => {
    const [host = '', path = '/', service = 'web', pathType = 'Prefix'] = rule.split(' ')
    return { ...(host === '*' ? {} : { host }), path, service, pathType }
  })
  const { metadata, spec, ...object } = ingressOf(name, sketches, Object.fromEntries(annotations))
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
      ...(created === undefined ? {} : { creationTimestamp: created }),
    },
    spec: {
      ...spec,
      ingressClassName: 'nginx',
      ...(tls === undefined ? {} : { tls: [{ hosts: [...tls], secretName: 'certificate' }] }),
    },
  }
}
