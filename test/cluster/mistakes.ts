// Ingresses that Weir need not expect from a cluster, as the API server refuses them.
import type { Ingress, IngressPath } from '../../shared/kube/objects.ts'
import { ingressOf } from '../support/manifests.ts'

const path = (more: Readonly<Record<string, unknown>>): IngressPath => ({
  path: '/',
  pathType: 'Prefix',
  backend: { service: { name: 'web', port: { number: 80 } } },
  ...more,
})

function withPath(more: Readonly<Record<string, unknown>>): Ingress {
  return withSpec({ rules: [{ host: 'a.test', http: { paths: [path(more)] } }] })
}

function withSpec(spec: Readonly<Record<string, unknown>>): Ingress {
  return { ...ingressOf('mistake', []), spec }
}

/** An Ingress, and what the refusal must name. */
export interface Mistake {
  readonly why: string
  readonly ingress: Ingress
  readonly field: RegExp
}

/** What Weir need not expect from a cluster: the API server refuses it. Manifests may still hold it. */
export const mistakes: readonly Mistake[] = [
  { why: 'no path type', ingress: withPath({ pathType: undefined }), field: /pathType/ },
  { why: 'an unknown path type', ingress: withPath({ pathType: 'Regex' }), field: /pathType/ },
  { why: 'a path without a slash', ingress: withPath({ path: 'api' }), field: /paths\[0\].path/ },
  { why: 'a path with //', ingress: withPath({ path: '/a//b' }), field: /paths\[0\].path/ },
  { why: 'a path with /..', ingress: withPath({ path: '/a/../b' }), field: /paths\[0\].path/ },
  { why: 'an encoded slash', ingress: withPath({ path: '/a%2fb' }), field: /paths\[0\].path/ },
  {
    why: 'a port with both name and number',
    ingress: withPath({ backend: { service: { name: 'web', port: { name: 'x', number: 1 } } } }),
    field: /paths\[0\].backend/,
  },
  {
    why: 'a Service without a port',
    ingress: withPath({ backend: { service: { name: 'web' } } }),
    field: /paths\[0\].backend/,
  },
  {
    why: 'a port name of 16 characters',
    ingress: withPath({ backend: { service: { name: 'web', port: { name: 'a'.repeat(16) } } } }),
    field: /service.port.name/,
  },
  {
    why: 'a host that is an address',
    ingress: withSpec({ rules: [{ host: '192.0.2.1', http: { paths: [path({})] } }] }),
    field: /rules\[0\].host/,
  },
  {
    why: 'a host with an underscore',
    ingress: withSpec({ rules: [{ host: 'a_b.test', http: { paths: [path({})] } }] }),
    field: /rules\[0\].host/,
  },
  {
    why: 'a host in capitals',
    ingress: withSpec({ rules: [{ host: 'A.test', http: { paths: [path({})] } }] }),
    field: /rules\[0\].host/,
  },
  {
    why: 'a wildcard in the middle',
    ingress: withSpec({ rules: [{ host: 'a.*.test', http: { paths: [path({})] } }] }),
    field: /rules\[0\].host/,
  },
  { why: 'neither rules nor a default backend', ingress: withSpec({}), field: /spec/ },
  {
    why: 'a field that does not exist',
    ingress: withPath({ serviceName: 'web' }),
    field: /serviceName/,
  },
]
