// What answers behind the proxy? Every endpoint that the objects of a case name, on its own loopback address: an echo unless
// the case scripts its answers. Each answer says who gave it, and a number that leads to the request as it arrived.
import type { KubeObject } from '../../shared/kube/objects.ts'
import { type AnnotationCase, type Answer, type CaseBackend, isSlice, type State } from './case.ts'
import type { Certificates } from './certificates.ts'
import { Endpoint, type Seen, type ServerTls } from './endpoint.ts'

/** All endpoints of a case. */
export class Backends {
  readonly #endpoints: readonly Endpoint[]

  private constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
  }

  /** Starts whatever the case names, in its objects from the first to the last step. */
  static async start(
    annotationCase: AnnotationCase,
    certificates: Certificates,
  ): Promise<Backends> {
    const { id, backends = {} } = annotationCase
    const services = placesOf(annotationCase)
    const endpoints: Endpoint[] = []
    for (const [service, places] of services) {
      const backend = backends[service] ?? {}
      const script = new Script(backend.answers ?? [])
      const tls = await tlsOf(id, service, backend, certificates)
      const isGrpc = backend.protocol?.startsWith('grpc') === true
      for (const [number, place] of [...places].entries()) {
        const find = (request: Seen) => script.find(request, number)
        endpoints.push(
          new Endpoint({ service, place, find, isGrpc, ...(tls === undefined ? {} : { tls }) }),
        )
      }
    }
    const started = new Backends(endpoints)
    try {
      for (const endpoint of endpoints) {
        await endpoint.set(backends[endpoint.service]?.state ?? 'up')
      }
    } catch (error) {
      await started.close()
      throw error
    }
    return started
  }

  /** Names of all Services with endpoints. */
  get services(): readonly string[] {
    return [...new Set(this.#endpoints.map(({ service }) => service))]
  }

  /** All requests of a Service so far, in the order they came. */
  seenBy(service: string): readonly Seen[] {
    return this.#endpoints
      .filter((endpoint) => endpoint.service === service)
      .flatMap(({ seen }) => seen)
      .sort((one, other) => one.number - other.number)
  }

  /** The request that an answer belongs to. */
  find(number: number): Seen | undefined {
    for (const { seen } of this.#endpoints) {
      const found = seen.find((each) => each.number === number)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Changes how a Service's endpoints stand, or the one at `place` only. */
  async set(service: string, state: State, place?: string): Promise<void> {
    const changed = this.#endpoints.filter(
      (each) => each.service === service && (place === undefined || each.place === place),
    )
    if (changed.length === 0) throw new Error(`no endpoint of ${service} at ${place}`)
    for (const endpoint of changed) await endpoint.set(state)
  }

  async close(): Promise<void> {
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.set('refused')))
  }
}

/** The answers of one Service; `times` is counted over all of its endpoints. */
class Script {
  readonly #answers: readonly Answer[]
  readonly #used = new Map<Answer, number>()

  constructor(answers: readonly Answer[]) {
    this.#answers = answers
  }

  find(request: Seen, endpoint: number): Answer | undefined {
    const found = this.#answers.find(
      (answer) =>
        (this.#used.get(answer) ?? 0) < (answer.times ?? Number.POSITIVE_INFINITY) &&
        fits(answer.when, request, endpoint),
    )
    if (found !== undefined) this.#used.set(found, (this.#used.get(found) ?? 0) + 1)
    return found
  }
}

const whenKeys = ['method', 'path', 'headers', 'endpoint', 'lacks']

function fits(when: Answer['when'], request: Seen, endpoint: number): boolean {
  if (when === undefined) return true
  const unknown = Object.keys(when).find((key) => !whenKeys.includes(key))
  if (unknown !== undefined) throw new Error(`unknown in when: ${unknown}`)
  const { method = '', path = '', headers = {}, lacks } = when
  return (
    new RegExp(method).test(request.method) &&
    new RegExp(path).test(request.path) &&
    (when.endpoint === undefined || when.endpoint === endpoint) &&
    (lacks === undefined || request.values(lacks).length === 0) &&
    Object.entries(headers).every(([name, pattern]) =>
      request.values(name).some((value) => new RegExp(pattern).test(value)),
    )
  )
}

/** Where the endpoints of each Service are: in its slices at any time, and where the case says besides. */
function placesOf({ objects, steps, backends = {} }: AnnotationCase): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>()
  const add = (service: string, place: string) => {
    const known = places.get(service) ?? new Set()
    places.set(service, known.add(place))
  }
  const all: readonly KubeObject[] = [...objects, ...steps.flatMap(({ apply = [] }) => apply)]
  for (const object of all) {
    if (!isSlice(object)) continue
    const service = object.metadata?.labels?.['kubernetes.io/service-name'] ?? ''
    for (const { addresses = [] } of object.endpoints ?? []) {
      for (const { port } of object.ports ?? []) {
        for (const address of addresses) add(service, `${address}:${port}`)
      }
    }
  }
  for (const [service, { listen = [] }] of Object.entries(backends)) {
    for (const place of listen) add(service, place)
  }
  return places
}

async function tlsOf(
  id: string,
  service: string,
  { protocol = 'http', certificate, clientCa }: CaseBackend,
  certificates: Certificates,
): Promise<ServerTls | undefined> {
  if (protocol !== 'https' && protocol !== 'grpcs') return undefined
  const { key, cert } = await certificates.get(id, certificate ?? { hosts: [`${service}.${id}`] })
  if (clientCa === undefined) return { key, cert }
  return { key, cert, clientCa: await certificates.authority(id, clientCa) }
}
