// The port of a worker that speaks TLS: a listener, an end of TLS behind it, and the certificates that it shows.
import type { TlsOptions } from 'node:tls'
import type { CertificateRef } from '../../shared/routing/certificates.ts'
import type { AssetData } from '../../shared/routing/filters/kind.ts'
import type { TlsFacts } from '../http/forwarded.ts'
import type { AcceptedConnection } from '../net/accepted-connection.ts'
import type { CoarseTime } from '../net/coarse-time.ts'
import { Listener, type ListenerOptions } from '../net/listener.ts'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import type { TlsConnection } from '../net/tls-connection.ts'
import { TlsTerminator } from '../net/tls-terminator.ts'
import { type CertificateSettings, Certificates } from './certificates.ts'
import { ConnectionFacts } from './connection-tls.ts'
import type { HandshakeMeter } from './handshake-meter.ts'
import type { HostPolicies, HostPolicy } from './host-policies.ts'
import type { LiveRoute } from './live-route.ts'
import { VerifyingContexts } from './verifying-contexts.ts'

/** What the port needs. */
export interface TlsPortOptions {
  readonly time: CoarseTime
  readonly settings: CertificateSettings & {
    readonly workers: number
    readonly tlsHandshakeTimeoutMs: number
    readonly tlsMaxHandshakes: number
  }
  /** Wall-clock ms. */
  readonly wallNow: () => number
  /** What it has in common with the plain port. */
  readonly listener: Omit<ListenerOptions, 'onConnection' | 'refusal' | 'time'>
  readonly meter: HandshakeMeter
  readonly onRefused: () => void
  /** Whole response for a client that speaks plain HTTP. */
  readonly plainHttpAnswer: () => string
  /** What hosts ask of connections. */
  readonly policies: HostPolicies
  /** Another one with each change of the table. */
  readonly version: () => unknown
  /** Finds the entries of a Secret by `namespace/name`. */
  readonly secretOf: (name: string) => AssetData | undefined
  readonly onConnection: (
    connection: TlsConnection,
    header: ProxyHeader | undefined,
    facts: TlsFacts,
  ) => void
  /** Hands a connection that names `serverName` on unread. */
  readonly onPassed: (
    accepted: AcceptedConnection,
    header: ProxyHeader | undefined,
    serverName: string,
    route: LiveRoute,
  ) => void
}

// What Weir speaks, first what it likes best.
const protocols = ['h2', 'http/1.1']

/** The TLS port of one worker. */
export class TlsPort {
  readonly #listener: Listener
  readonly #terminator: TlsTerminator
  readonly #certificates: Certificates
  readonly #policies: HostPolicies
  readonly #verifying: VerifyingContexts

  constructor(options: TlsPortOptions) {
    const { time, settings, wallNow, meter } = options
    this.#policies = options.policies
    this.#verifying = new VerifyingContexts(options.secretOf)
    this.#certificates = new Certificates(settings, wallNow)
    const hosts = {
      policyOf: (host: string) => this.#policyOf(host),
      isShownFor: (serverName: string, host: string) =>
        this.#certificates.isShownFor(serverName, host),
      version: options.version,
    }
    this.#terminator = new TlsTerminator({
      time,
      contextOf: (host) => this.#contextOf(host),
      passTo: (host) => {
        const { passed } = this.#policyOf(host)
        return passed && ((accepted, header) => options.onPassed(accepted, header, host, passed))
      },
      protocols,
      handshakeTimeoutMs: settings.tlsHandshakeTimeoutMs,
      maxHandshakes: Math.ceil(settings.tlsMaxHandshakes / settings.workers),
      plainHttpAnswer: options.plainHttpAnswer,
      onConnection: (connection, header, context) => {
        meter.done(connection.socket)
        const verifiedBy = this.#verifying.secretOf(context)
        options.onConnection(connection, header, new ConnectionFacts(connection, verifiedBy, hosts))
      },
      onFailure: (failure) => meter.failed(failure),
    })
    this.#listener = new Listener({
      ...options.listener,
      time,
      // What would be said would have to be encrypted first.
      refusal: () => {
        options.onRefused()
        return ''
      },
      onConnection: (accepted, header) => this.#terminator.accept(accepted, header),
    })
  }

  #contextOf(host: string | undefined): TlsOptions {
    const context = this.#certificates.contextOf(host)
    const { verifiedBy } = this.#policyOf(host ?? '')
    return verifiedBy === undefined ? context : this.#verifying.asking(context, verifiedBy)
  }

  /** Who cannot be verified now is not asked: routes that want it are closed. */
  #policyOf(host: string): HostPolicy {
    const policy = this.#policies.of(host)
    const { verifiedBy } = policy
    if (verifiedBy === undefined || this.#verifying.canVerifyBy(verifiedBy)) return policy
    return { ...policy, verifiedBy: undefined }
  }

  /** Listens; resolves with the port, rejects with the system's error. */
  listen(host: string, port: number, isPortShared: boolean): Promise<number> {
    return this.#listener.listen(host, port, isPortShared)
  }

  /** Takes over which Secrets hosts name. */
  setRefs(changed: ReadonlyMap<string, readonly CertificateRef[]>): void {
    this.#certificates.setRefs(changed)
  }

  /** Takes over a certificate; undefined: it is gone. New handshakes see it, open connections stay. */
  setCertificate(name: string, data: AssetData | undefined): void {
    this.#certificates.setCertificate(name, data)
  }

  /** Seals tickets with these 48 bytes from now on. */
  setTicketKeys(keys: Uint8Array): void {
    this.#terminator.setTicketKeys(Buffer.from(keys))
  }

  /** Called with each tick of the worker. */
  tick(now: number): void {
    this.#listener.tick(now)
    this.#terminator.tick(now)
  }

  /** Accepts no more; handshakes under way are cut, connections that are open stay. */
  close(): void {
    this.#listener.close()
    this.#terminator.close()
  }
}
