// Which pod of a case answered? Each endpoint of a case is an echo upstream on a port of its own on 127.0.0.1.
import type { Endpoint } from '../../shared/routing/table.ts'
import { type EchoUpstream, startEcho } from '../support/upstream.ts'
import type { CaseEndpoint } from './objects.ts'

/** Echo upstreams in the place of a case's pods. */
export class Pods {
  readonly #byEndpoint = new Map<string, EchoUpstream>()
  readonly #byPlace = new Map<string, CaseEndpoint>()

  /** Starts the pod of an endpoint on a free port of `address`. */
  async start(endpoint: CaseEndpoint, address = '127.0.0.1'): Promise<void> {
    const key = nameOf(endpoint)
    if (this.#byEndpoint.has(key)) return
    const echo = await startEcho(endpoint.service, { address })
    this.#byEndpoint.set(key, echo)
    this.#byPlace.set(`${echo.address}:${echo.port}`, endpoint)
  }

  placeOf(endpoint: CaseEndpoint): Endpoint {
    const echo = this.#byEndpoint.get(nameOf(endpoint))
    if (echo === undefined) throw new Error(`no pod for ${nameOf(endpoint)}`)
    return { address: echo.address, port: echo.port }
  }

  at(place: string | undefined): CaseEndpoint | undefined {
    return place === undefined ? undefined : this.#byPlace.get(place)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byEndpoint.values()].map((echo) => echo.close()))
  }
}

/** One text per endpoint of a case. */
export function nameOf({ namespace, service, address, port }: CaseEndpoint): string {
  return `${namespace}/${service} ${address} ${port}`
}
