// What a client must know of an API server: where it is and how to be let in, however that was found out.
import type { TlsMaterial } from '../http.ts'

/** What one request needs to be let in. */
export interface KubeAuth {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsMaterial
}

/** A way to one API server. */
export interface KubeConfig {
  /** Scheme, host and port, and a path prefix if the server has one; no trailing slash. */
  readonly server: string
  /** The namespace to use where none is named: the pod's own, or the context's. */
  readonly namespace: string
  /** Credentials, at most 60 s old; the same object as before when nothing changed. Rejects when they cannot be read. */
  auth(): Promise<KubeAuth>
  /** Makes the next `auth()` read everything anew: after a 401 or when the server's certificate is not trusted. */
  forget(): void
}
