// Which Service port does a rule name? Only by name, in the Ingress's own namespace: a reference never crosses namespaces.
//
// Invariant: the Service name of a reference is empty or has no `/`, so its key cannot point into another namespace.

import { isAbsent, isMapping, isPort, mappingOf, type Report, shown, textOf } from '../shapes.ts'
import { type BackendRef, refOf } from '../upstreams/backend-ref.ts'

const serviceName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/**
 * Reads a backend. Undefined (reported) when it names no Service at all: such a path does not exist (404), as with
 * ingress-nginx. A Service whose name or port cannot exist gives a reference that nothing serves (503).
 */
export function parseBackend(
  value: unknown,
  namespace: string,
  field: string,
  report: Report,
): BackendRef | undefined {
  const backend = mappingOf(value)
  if (isAbsent(backend.service)) return refuseNoService(value, backend.resource, field, report)
  const service = mappingOf(backend.service)
  const name = textOf(service.name)
  if (name === undefined || name.length > 63 || !serviceName.test(name)) {
    report(
      'invalid-backend',
      `${field}.service.name`,
      `${shown(service.name ?? null)} is not the name of a Service.`,
      `Name a Service of namespace ${namespace}: lower-case letters, digits and -.`,
    )
    return refOf({ namespace, service: '', port: '' })
  }
  return refOf({ namespace, service: name, port: parsePort(service.port, field, report) })
}

function refuseNoService(
  value: unknown,
  resource: unknown,
  field: string,
  report: Report,
): undefined {
  if (isAbsent(resource)) {
    const what = isMapping(value) ? 'The backend names no Service' : 'There is no backend'
    report('invalid-backend', field, `${what}.`, 'Set backend.service with its name and port.')
    return undefined
  }
  const kind = textOf(mappingOf(resource).kind) ?? 'resource'
  report(
    'unsupported-backend',
    `${field}.resource`,
    `Backends of kind ${shown(kind)} are not supported.`,
    'Put a Service in front of it and set backend.service.',
  )
  return undefined
}

function parsePort(value: unknown, field: string, report: Report): number | string {
  const { number, name } = mappingOf(value)
  const hasNumber = !isAbsent(number) && number !== 0
  const hasName = !isAbsent(name) && name !== ''
  if (hasNumber && !hasName && isPort(number)) return number
  if (hasName && !hasNumber && typeof name === 'string') return name
  report(
    'invalid-backend',
    `${field}.service.port`,
    hasNumber && hasName
      ? 'The port is given by number and by name.'
      : `${shown(value ?? null)} names no port.`,
    'Set either port.number (1 to 65535) or port.name.',
  )
  return ''
}
