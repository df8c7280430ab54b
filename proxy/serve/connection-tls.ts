// What do exchanges know of the TLS of their connection, and which hosts may be asked for on it?
//
// Invariant: an answer about a host counts for one version of the table: a policy that comes later is asked about again.
import type { ClientCertificate } from '../../shared/routing/filters/kind.ts'
import type { TlsFacts } from '../http/forwarded.ts'
import type { TlsConnection } from '../net/tls-connection.ts'
import { readClientCertificate } from './client-certificate.ts'
import type { HostPolicy } from './host-policies.ts'

/** What the worker knows of its hosts. */
export interface HostKnowledge {
  /** What is asked of connections that name this host now. */
  readonly policyOf: (host: string) => HostPolicy
  /** Whether the certificate that clients get who name `serverName` is for `host`, too. */
  readonly isShownFor: (serverName: string, host: string) => boolean
  /** Another one with each change of the table. */
  readonly version: () => unknown
}

/** The facts of one connection. */
export class ConnectionFacts implements TlsFacts {
  readonly serverName: string
  readonly verifiedBy: string | undefined
  readonly #socket: TlsConnection['socket']
  readonly #hosts: HostKnowledge
  #certificate: ClientCertificate | undefined
  #isCertificateRead = false
  #host: string | undefined
  #version: unknown
  #mayAsk = false

  /** `verifiedBy`: the Secret by whose authorities the client was verified; undefined: it was asked for no certificate. */
  constructor(connection: TlsConnection, verifiedBy: string | undefined, hosts: HostKnowledge) {
    const { servername } = connection.socket
    this.serverName = typeof servername === 'string' ? withoutDot(servername.toLowerCase()) : ''
    this.verifiedBy = verifiedBy
    this.#socket = connection.socket
    this.#hosts = hosts
  }

  get certificate(): ClientCertificate | undefined {
    if (this.verifiedBy === undefined) return undefined
    if (!this.#isCertificateRead) {
      this.#certificate = readClientCertificate(this.#socket)
      this.#isCertificateRead = true
    }
    return this.#certificate
  }

  mayAsk(host: string): boolean {
    const version = this.#hosts.version()
    if (host === this.#host && version === this.#version) return this.#mayAsk
    this.#host = host
    this.#version = version
    this.#mayAsk = this.#judge(host)
    return this.#mayAsk
  }

  #judge(host: string): boolean {
    const { policyOf, isShownFor } = this.#hosts
    const { passed, verifiedBy } = policyOf(host)
    // Another connection would have gone to an endpoint unread, or have verified its client by other authorities.
    if (passed !== undefined || verifiedBy !== this.verifiedBy) return false
    // Who names no host gets whatever there is: checks of load balancers, and clients that know an address only.
    if (this.serverName === '' || host === '' || host === this.serverName) return true
    return isShownFor(this.serverName, host)
  }
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
