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

/** Keeps what TLS needs, in a proxy that has a port for it. */
export class TlsKeeper {
  readonly #certificates: CertificateKeeper
  readonly #ticketKeys: TicketKeys

  constructor({ settings, clock, objects, tell, onProblems }: TlsKeeperOptions) {
    const path = settings.defaultCertificate
    this.#certificates = new CertificateKeeper({
      clock,
      objects,
      defaultCertificate: path && `${path.namespace}/${path.name}`,
      onCertificate: (name, data) => tell(certificateMessage(name, data)),
      onProblems,
    })
    this.#ticketKeys = new TicketKeys(clock, (keys) => tell({ kind: 'ticket-keys', keys }))
  }

  /** Takes over what a change of the table wants. */
  noteDelta(delta: TableDelta): void {
    this.#certificates.noteDelta(delta)
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
    this.#certificates.stop()
    this.#ticketKeys.stop()
  }
}

function certificateMessage(name: string, data: AssetData | undefined): TlsMessage {
  return { kind: 'certificate', name, ...(data && { data }) }
}
