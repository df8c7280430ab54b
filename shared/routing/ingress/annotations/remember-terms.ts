// Which terms does each route of an Ingress get? The same object for all that ask for the same.
import type { Ingress } from '../../../kube/objects.ts'
import type { PathType } from '../../table.ts'
import type { BackendName } from '../../upstreams/backend-ref.ts'
import { tlsHostsOf } from '../tls-hosts.ts'
import {
  buildTerms,
  type Draft,
  isPathDependent,
  isServiceDependent,
  namesOf,
  type Terms,
} from './draft.ts'

const noBackend: BackendName = { namespace: '', service: '', port: '' }

/** Makes the terms of a route of an Ingress to a Service; `host` as a rule names it. Equal places get the same object. */
export type TermsFor = (
  path: string,
  pathType: PathType,
  host?: string,
  backend?: BackendName,
  hasTlsByOthers?: boolean,
) => Terms

/** Makes terms on demand, one object for equal questions. */
export function rememberTerms(draft: Draft, ingress: Ingress): TermsFor {
  const isOpen = draft.closed === undefined
  const byPath = isOpen && isPathDependent(draft)
  const byService = isOpen && isServiceDependent(draft)
  const needsTls = draft.tlsRedirect || draft.defaults.hsts !== undefined
  const isTlsHost = isOpen && needsTls ? tlsHostsOf(ingress) : () => false
  const known = new Map<string, Terms>()
  return (path, pathType, host = '', { service, port } = noBackend, hasTlsByOthers = false) => {
    const hasTls = isTlsHost(host) || (isOpen && needsTls && hasTlsByOthers)
    const place = byPath ? `${pathType} ${path}` : ''
    const key = `${hasTls} ${place}\n${byService ? `${service}:${port}` : ''}`
    let terms = known.get(key)
    if (terms === undefined) {
      terms = buildTerms(draft, {
        path: byPath ? path : '/',
        pathType: byPath ? pathType : 'Prefix',
        hasTls,
        names: namesOf(draft, service, port),
      })
      known.set(key, terms)
    }
    return terms
  }
}
