// The Ingresses that the measured proxies serve: some go well, each of the others fails in its own way.
import type { Ingress, KubeObject } from '../../shared/kube/objects.ts'
import { ingressOf, serviceOf } from '../support/manifests.ts'
import { tlsEntries, tlsSecret } from '../support/tls.ts'
import type { Applications } from './applications.ts'

function inNamespace(namespace: string, objects: readonly KubeObject[]): KubeObject[] {
  return objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }))
}

function withTls(ingress: Ingress, secretName: string): Ingress {
  const hosts = ingress.spec?.rules?.flatMap(({ host }) => host ?? []) ?? []
  return { ...ingress, spec: { ...ingress.spec, tls: [{ hosts, secretName }] } }
}

/** What is asked of one host: the Ingress of the same name answers. */
export const hosts = {
  front: 'shop.test',
  cart: 'cart.test',
  search: 'search.test',
  chat: 'chat.test',
  /** One of two endpoints refuses connections. */
  flaky: 'flaky.test',
  /** Every endpoint refuses connections. */
  gone: 'gone.test',
  /** The application closes connections instead of answering. */
  reset: 'reset.test',
  /** The Service has no endpoints. */
  empty: 'empty.test',
  /** A security-relevant annotation is not understood. */
  closed: 'closed.test',
  /** Clients of loopback are not allowed. */
  private: 'private.test',
} as const

/** Makes all objects; `turn` changes the endpoints a little, so that there is always something to update. */
export function objectsFor(applications: Applications, turn: number): KubeObject[] {
  const at = (port: number) => ({ address: '127.0.0.1', port })
  const good = [at(applications.port)]
  const spare = turn % 2 === 0 ? good : [...good, at(applications.sparePort)]
  const simple = (name: keyof typeof hosts, endpoints = good, annotations = {}) => [
    ingressOf(name, [{ host: hosts[name], service: name }], annotations),
    ...serviceOf(name, endpoints),
  ]
  return [
    ...inNamespace('shop', [
      ...simple('front', spare),
      ...simple('cart'),
      withTls(ingressOf('safe', [{ host: 'a.test', service: 'cart' }]), 'safe'),
      tlsSecret('safe', tlsEntries('a-ecdsa')),
      // The same host and path as front's: a conflict, which the name decides.
      ingressOf('front-again', [{ host: hosts.front, service: 'cart' }]),
      ...simple('gone', [at(applications.deadPort)]),
      ...simple('flaky', [...good, at(applications.deadPort)]),
    ]),
    ...inNamespace('web', [...simple('search'), ...simple('chat'), ...simple('reset')]),
    ...inNamespace('lab', [
      ...simple('empty', []),
      ...simple('closed', good, { 'weir.dev/allow-source-ranges': 'everybody' }),
      ...simple('private', good, { 'weir.dev/allow-source-ranges': '192.0.2.0/24' }),
    ]),
  ]
}
