// What do all workers need to end TLS: certificates by the names of their Secrets, and the keys that tickets are sealed with?
import type { Clock } from '../../shared/clock.ts'
import type { NamedObjects } from '../../shared/feed/named-objects.ts'
import type { Problem } from '../../shared/problem.ts'
import type { AssetData } from '../../shared/routing/filters/kind.ts'
import type { TableDelta } from '../../shared/routing/table.ts'
import type { TlsMessage } from '../messages.ts'
import type { CertificateExpiry } from '../observe/metrics-registry.ts'
import type { ProxySettings } from '../settings.ts'
import { CertificateKeeper } from './resolvers/certificates.ts'
import { TicketKeys } from './ticket-keys.ts'

/** What the keeper needs. */
export interface TlsKeeperOptions {
  readonly settings: Pick<ProxySettings, 'defaultCertificate'>
  readonly clock: Clock
  readonly objects: NamedObjects
  /** Goes to all workers. */
  readonly tell: (message: TlsMessage) => void
  readonly onProblems: () => void
}

// How long the first table waits for what its hosts are to show.
const firstLookMs = 5000

/** Keeps what TLS needs, in a proxy that has a port for it. */
export class TlsKeeper {
  readonly #clock: Clock
  /** What waits for the first look, in order; undefined: it is over. */
  #waiting: (() => void)[] | undefined = []
  #cancelWait: (() => void) | undefined
  readonly #certificates: CertificateKeeper
  readonly #ticketKeys: TicketKeys

  constructor({ settings, clock, objects, tell, onProblems }: TlsKeeperOptions) {
    this.#clock = clock
    const path = settings.defaultCertificate
    this.#certificates = new CertificateKeeper({
      clock,
      objects,
      defaultCertificate: path && `${path.namespace}/${path.name}`,
      onCertificate: (name, data) => tell(certificateMessage(name, data)),
      onProblems,
      onAnswer: () => this.#look(),
    })
    this.#ticketKeys = new TicketKeys(clock, (keys) => tell({ kind: 'ticket-keys', keys }))
  }

  /** Takes over what a change of the table wants. */
  noteDelta(delta: TableDelta): void {
    this.#certificates.noteDelta(delta)
  }

  /**
   * Runs what brings tables to the workers, in the order of the calls: a proxy that begins to serve shows what its hosts are to show.
   * The first waits until all Secrets that it names were looked for, 5 s at most.
   */
  afterFirstLook(run: () => void): void {
    if (this.#waiting === undefined) {
      run()
      return
    }
    this.#waiting.push(run)
    this.#cancelWait ??= this.#clock.after(firstLookMs, () => this.#open())
    this.#look()
  }

  /** All that a worker needs which starts now. */
  *all(): Iterable<TlsMessage> {
    yield { kind: 'ticket-keys', keys: this.#ticketKeys.current }
    for (const [name, data] of this.#certificates.all()) yield certificateMessage(name, data)
  }

  /** What is wrong with certificates now. */
  get problems(): readonly Problem[] {
    return this.#certificates.problems
  }

  /** When certificates expire. */
  expiries(): Iterable<CertificateExpiry> {
    return this.#certificates.expiries()
  }

  stop(): void {
    this.#cancelWait?.()
    this.#certificates.stop()
    this.#ticketKeys.stop()
  }

  #look(): void {
    const isAsked = this.#waiting !== undefined && this.#waiting.length > 0
    if (isAsked && this.#certificates.areAllLookedFor) this.#open()
  }

  #open(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#cancelWait?.()
    for (const run of waiting) run()
  }
}

function certificateMessage(name: string, data: AssetData | undefined): TlsMessage {
  return { kind: 'certificate', name, ...(data && { data }) }
}
