// What can be seen of a running installation from outside: requests, the Lease, status, gates, Events, the audit log.
// Each look waits until it is as wanted, and fails with the controllers' own words when it never is.
import { events, ingresses, leases, routeGroups } from '../../shared/kube/resources.ts'
import { ask, until } from '../support/ask.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { auditEntries, tokenIdOf } from './audit.ts'
import { chartNamespace, type Installed } from './chart-access.ts'
import type { Child } from './children.ts'
import type { Fleet } from './fleet.ts'
import type { Stage } from './stage.ts'

const patienceMs = 40_000

/** The programs of the product. */
export const programs = ['proxy', 'controller'] as const

/** A running installation of one combination of values. */
export interface Parts {
  readonly stage: Stage
  readonly combination: string
  readonly installed: Installed
  readonly fleet: Fleet
  readonly proxy: ProxyProcess
  readonly controllers: Map<string, Child>
}

/** Looks at it. */
export class Sight {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  soon<T>(
    what: string,
    get: () => Promise<T>,
    isTrue: (seen: T) => boolean,
    timeoutMs = patienceMs,
  ): Promise<T> {
    return until(what, get, isTrue, timeoutMs).catch((cause: unknown) => {
      const words = [...this.#parts.controllers].map(([name, child]) => `${name}: ${child.words}`)
      throw new Error(`${String(cause)}\n${words.join('\n').slice(-4000)}`, { cause })
    })
  }

  async served(name: string): Promise<void> {
    const { port } = this.#parts.proxy
    const status = async () => (await ask(port, { host: `${name}.test` })).status
    await this.soon(`${name} is served`, status, (seen) => seen === 200)
  }

  leader(isWanted: (holder: string) => boolean): Promise<string> {
    const target = { namespace: chartNamespace, name: 'weir-controller' }
    const holder = async () => {
      const answer = await this.#parts.stage.admin.client.get(leases, target)
      return answer.ok ? (answer.body.spec?.holderIdentity ?? '') : ''
    }
    return this.soon('a leader', holder, isWanted)
  }

  async statusShown(): Promise<void> {
    await this.#hostShown(async () => {
      const target = { namespace: 'default', name: 'shop' }
      const answer = await this.#parts.stage.admin.client.get(ingresses, target)
      return answer.ok ? answer.body.status?.loadBalancer?.ingress?.[0]?.hostname : undefined
    })
  }

  async groupStatusShown(): Promise<void> {
    await this.#hostShown(async () => {
      const target = { namespace: 'default', name: 'group' }
      const answer = await this.#parts.stage.admin.client.get(routeGroups, target)
      return answer.ok ? answer.body.status?.loadBalancer?.routegroup?.[0]?.hostname : undefined
    })
  }

  async #hostShown(shown: () => Promise<string | undefined>): Promise<void> {
    await this.soon('a host name', shown, (name) => name?.endsWith('.elb.amazonaws.com') === true)
  }

  async gatesOpen(): Promise<void> {
    const { fleet } = this.#parts
    for (const name of ['weir-a', 'weir-b']) {
      const gates = async () => {
        const pod = await fleet.pod(name)
        const wanted = pod?.spec?.readinessGates?.map(({ conditionType }) => conditionType) ?? []
        const conditions = pod?.status?.conditions ?? []
        return wanted.map((gate) => conditions.find(({ type }) => type === gate)?.status)
      }
      await this.soon(`gates of ${name}`, gates, (seen) => seen.every((one) => one === 'True'))
    }
  }

  async reasons(namespace: string): Promise<readonly (string | undefined)[]> {
    const list = await this.#parts.stage.admin.client.list(events, { namespace })
    return list.ok ? list.body.items.map(({ reason }) => reason) : []
  }

  /** The tokens that each program has used since a mark in the audit log. */
  async tokenIds(bytes: number): Promise<Record<(typeof programs)[number], string[]>> {
    const { stage, installed } = this.#parts
    const entries = auditEntries(stage.servers.auditLog, installed.account.user, { bytes })
    const of = (program: string) => [
      ...new Set(
        entries
          .filter(({ userAgent = '' }) => userAgent.startsWith(`weir-${program}`))
          .map(tokenIdOf),
      ),
    ]
    return { proxy: of('proxy'), controller: of('controller') }
  }
}
