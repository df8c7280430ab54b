// How Weir sends requests of its own (API server, probes): one keep-alive pool per origin. The only file that imports
// undici for them.
//
// Invariant: every response body is either read to its end or destroyed; the caller of `send` owns it.
import type { Readable } from 'node:stream'
// By its files: the index loads fetch, WebSocket, caches and mocks as well, 5 MB resident (npm run test:image).
import request from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'

/** What a TLS connection needs to know; PEM text or bytes. Absent fields mean Node's defaults. */
export interface TlsMaterial {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly serverName?: string
  /** True skips verification of the server's certificate: only when a kubeconfig says so. */
  readonly insecure?: boolean
}

export interface HttpPoolOptions {
  /** Scheme, host and port, without a path. */
  readonly origin: string
  readonly tls?: TlsMaterial
  /** Most connections at the same time; further requests wait. */
  readonly connections: number
  readonly connectTimeoutMs: number
  /** How long an idle connection is kept, unless the server says less. */
  readonly keepAliveMs: number
}

export interface HttpRequest {
  readonly method: string
  /** Path and query, as they go on the wire. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; a field that came several times is joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** Keep-alive connections to one origin. */
export interface HttpPool {
  /** Resolves when the response head is there. Rejects when there is none. Has no timeouts: `signal` ends it. */
  send(request: HttpRequest): Promise<HttpResponse>
  /** Takes no new requests; resolves when those in flight are done. */
  close(): Promise<void>
  /** Cuts everything. */
  destroy(): Promise<void>
}

/** Opens a pool; connections are made when they are needed. */
export function createHttpPool(options: HttpPoolOptions): HttpPool {
  const { ca, cert, key, serverName, insecure } = options.tls ?? {}
  const pool = new Pool(options.origin, {
    connections: options.connections,
    pipelining: 1,
    // HTTP/1.1 only: on one HTTP/2 connection a stalled peer stalls every watch at once.
    allowH2: false,
    keepAliveTimeout: options.keepAliveMs,
    keepAliveMaxTimeout: options.keepAliveMs,
    // Watches are silent for minutes; the callers have their own clocks.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: options.connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(insecure === true ? { rejectUnauthorized: false } : {}),
    },
  })
  return {
    async send({ method, path, headers, body, signal }) {
      const response = await request.call(pool, {
        method,
        path,
        headers,
        body: body ?? null,
        signal: signal ?? null,
      })
      const flat: Record<string, string> = {}
      for (const [name, value] of Object.entries(response.headers)) {
        if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
      }
      return { status: response.statusCode, headers: flat, body: response.body }
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  }
}
