// What serves the routes of a RouteGroup? Its backends by name, and the references of its routes to them.
import {
  isFault,
  readAddresses,
  readAlgorithm,
  type Target,
  type TargetFault,
} from '../eskip/targets.ts'
import { isAbsent, isMapping, isPort, type Mapping, mappingOf, shown, textOf } from '../shapes.ts'
import { refOf } from '../upstreams/backend-ref.ts'
import { type Complain, listIn } from './complain.ts'

/** The backends of a group by name; undefined: it is there, and cannot be read. */
export type GroupBackends = ReadonlyMap<string, Target | undefined>

/** A backend and its weight relative to the others. */
export interface Weighted {
  readonly target: Target
  readonly weight: number
}

const serviceName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const types = ['service', 'shunt', 'loopback', 'dynamic', 'lb', 'network', 'forward']

/** Reads `spec.backends`. */
export function readBackends(value: unknown, namespace: string, complain: Complain): GroupBackends {
  const backends = new Map<string, Target | undefined>()
  const given = listIn(value, 'spec.backends', complain)
  if (given.length === 0) {
    complain('spec.backends', 'The RouteGroup has no backends.', 'Name at least one backend.')
  }
  for (const [index, item] of given.entries()) {
    const field = `spec.backends[${index}]`
    const backend = mappingOf(item)
    const name = textOf(backend.name)
    if (!isMapping(item) || name === undefined) {
      complain(`${field}.name`, 'The backend has no name.', 'Set its name, which routes refer to.')
      continue
    }
    if (backends.has(name)) {
      complain(
        `${field}.name`,
        `The name ${shown(name)} is there twice.`,
        'Give each backend a name of its own.',
      )
    }
    const target = readBackend(backend, namespace)
    backends.set(name, isFault(target) ? undefined : target)
    if (isFault(target)) complain(field, target.message, target.remedy)
  }
  return backends
}

function readBackend(backend: Mapping, namespace: string): Target | TargetFault {
  const algorithm = isAbsent(backend.algorithm) ? '' : backend.algorithm
  if (typeof algorithm !== 'string')
    return wrong('algorithm', algorithm, 'Name one, such as roundRobin.')
  const balance = readAlgorithm(algorithm)
  if (balance !== undefined && isFault(balance)) return balance
  switch (backend.type) {
    case undefined:
    case null:
    case '':
    case 'service': {
      const { serviceName: service, servicePort: port } = backend
      if (typeof service !== 'string' || !serviceName.test(service)) {
        return wrong('serviceName', service, `Name a Service of namespace ${namespace}.`)
      }
      if (!isPort(port))
        return wrong('servicePort', port, 'Set the number of a port of the Service.')
      const ref = refOf({ namespace, service, port })
      return { kind: 'upstream', ref, ...(balance === undefined ? {} : { balance }) }
    }
    case 'network':
      if (typeof backend.address === 'string')
        return readAddresses([backend.address], algorithm, namespace)
      return wrong('address', backend.address, 'Write it as http://host:port or https://host:port.')
    case 'lb': {
      const { endpoints } = backend
      if (Array.isArray(endpoints) && endpoints.every((each) => typeof each === 'string')) {
        return readAddresses(endpoints, algorithm, namespace)
      }
      return wrong('endpoints', endpoints, 'List addresses such as http://10.0.0.1:8080.')
    }
    case 'forward':
      return { kind: 'forward' }
    case 'shunt':
    case 'loopback':
    case 'dynamic':
      return { kind: backend.type }
    default:
      return wrong('type', backend.type, `Use one of ${types.join(', ')}.`)
  }
}

function wrong(field: string, value: unknown, remedy: string): TargetFault {
  return { message: `The ${field} of the backend is wrong: ${shown(value ?? null)}.`, remedy }
}

/** What an int32 holds: sums of such numbers are exact. */
const largestWeight = 2_147_483_647

function isWhole(weight: number): boolean {
  return Number.isInteger(weight) && weight >= 0
}

/** Reads references to backends, each to another one; those that lead nowhere are left out, and complained about. */
export function readReferences(
  value: unknown,
  field: string,
  backends: GroupBackends,
  complain: Complain,
): readonly Weighted[] {
  const seen = new Set<string>()
  return listIn(value, field, complain).flatMap((item, index) => {
    const at = `${field}[${index}]`
    const { backendName, weight = 0 } = mappingOf(item)
    const name = textOf(backendName)
    if (name === undefined || !backends.has(name)) {
      complain(
        `${at}.backendName`,
        `There is no backend ${shown(backendName ?? null)}.`,
        'Name one of spec.backends.',
      )
      return []
    }
    if (seen.has(name)) {
      complain(
        `${at}.backendName`,
        `The backend ${shown(name)} is named twice.`,
        'Name each backend once.',
      )
    }
    seen.add(name)
    if (typeof weight !== 'number' || !(isWhole(weight) && weight <= largestWeight)) {
      complain(
        `${at}.weight`,
        `The weight ${shown(weight)} is none.`,
        `Set a whole number from 0 to ${largestWeight}.`,
      )
      return []
    }
    const target = backends.get(name)
    return target === undefined ? [] : [{ target, weight }]
  })
}
