// Kinds of the Prometheus operator that the chart can make. Their real schemas are checked by `npm run test:chart`; here
// they only have to exist.
import type { KubeObject } from '../../shared/kube/objects.ts'

function define(kind: string, plural: string): KubeObject {
  const group = 'monitoring.coreos.com'
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  }
  const names = { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` }
  const versions = [{ name: 'v1', served: true, storage: true, schema }]
  const spec = { group, scope: 'Namespaced', names, versions }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    ...{ spec },
  }
}

/** Definitions of PodMonitor, ServiceMonitor and PrometheusRule. */
export const customKinds: readonly KubeObject[] = [
  define('PodMonitor', 'podmonitors'),
  define('ServiceMonitor', 'servicemonitors'),
  define('PrometheusRule', 'prometheusrules'),
]
