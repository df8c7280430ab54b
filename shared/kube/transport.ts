// One request to the API server: credentials, connection, time limit, and what each failure means.
//
// Invariant: `send` never rejects; a body in a result is whole, a stream in a result is the caller's to end.
// Invariant: one pool for all calls, and one for all streams, so that no call waits for a watch; a rotated CA or client certificate makes a new one, the old one finishes its work.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { createHttpPool, type HttpPool, type HttpResponse, type TlsMaterial } from '../http.ts'
import type { KubeConfig } from './auth.ts'
import { invalidBody, type KubeError, type KubeResult, readFailure } from './error.ts'

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Of the body; `application/json` unless it is a patch. */
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** For the whole call, 30 s by default; streams have none. */
  readonly timeoutMs?: number
}

/** An open answer whose body arrives as it is written. */
export type KubeStream = Pick<HttpResponse, 'status' | 'headers' | 'body'>

export interface Transport {
  /** Sends and reads the whole answer. */
  send(request: KubeRequest): Promise<KubeResult<unknown>>
  /** Sends and gives the answer as a stream once its head has said 200. */
  stream(request: KubeRequest): Promise<KubeResult<KubeStream>>
  close(): Promise<void>
}

/** The ways to the API server with one set of certificates. */
interface Pools {
  readonly tls: TlsMaterial
  readonly calls: HttpPool
  readonly streams: HttpPool
}

const defaultTimeoutMs = 30_000
/** Calls wait for one of these. */
const maxConnections = 32
/** Each watch holds a connection for as long as it lasts, and there is one for each Secret that a route names: none may wait. */
const maxWatches = 65_536

/** Opens the way to the API server of `config`; connects when it is first used. */
export function createTransport(config: KubeConfig, clock: Clock, userAgent: string): Transport {
  const { origin, pathname } = new URL(config.server)
  const prefix = pathname === '/' ? '' : pathname
  let current: Pools | undefined

  let isClosed = false

  function poolsFor(tls: TlsMaterial): Pools {
    if (isClosed) throw new Error('the client is closed')
    // A new token alone needs no new connections.
    if (current !== undefined && isDeepStrictEqual(current.tls, tls)) return current
    // Running watches stay on the old pool until they end; nobody waits for that.
    for (const pool of poolsOf(current)) pool.close().catch(() => undefined)
    const poolOf = (connections: number) =>
      createHttpPool({ origin, tls, connections, connectTimeoutMs: 10_000, keepAliveMs: 60_000 })
    current = { tls, calls: poolOf(maxConnections), streams: poolOf(maxWatches) }
    return current
  }

  async function attempt(
    request: KubeRequest,
    signal: AbortSignal,
    use: 'calls' | 'streams',
  ): Promise<HttpResponse> {
    const auth = await config.auth()
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': userAgent,
      ...auth.headers,
    }
    if (request.body !== undefined)
      headers['content-type'] = request.contentType ?? 'application/json'
    return await poolsFor(auth.tls)[use].send({
      method: request.method,
      path: prefix + request.path + queryText(request.query),
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal,
    })
  }

  /** Tries a second time where the first surely did nothing, or may be repeated. Rejects when there is no answer. */
  async function open(
    request: KubeRequest,
    signal: AbortSignal,
    use: 'calls' | 'streams',
  ): Promise<HttpResponse> {
    try {
      const response = await attempt(request, signal, use)
      // 401: the token was rotated or has expired; it is read anew, once.
      if (response.status !== 401) return response
      await readText(response)
      config.forget()
    } catch (error) {
      if (signal.aborted) throw error
      if (isDistrust(error)) config.forget()
      // A kept-alive connection may close just when it is used again.
      else if (request.method !== 'GET' || !isCut(error)) throw error
    }
    return await attempt(request, signal, use)
  }

  return {
    async send(request) {
      const limit = new AbortController()
      const cancel = clock.after(request.timeoutMs ?? defaultTimeoutMs, () => limit.abort())
      const signal =
        request.signal === undefined
          ? limit.signal
          : AbortSignal.any([request.signal, limit.signal])
      try {
        const response = await open(request, signal, 'calls')
        return readBody(response, await readText(response))
      } catch (error) {
        if (limit.signal.aborted && request.signal?.aborted !== true) {
          return failed('Timeout', `no answer to ${request.method} ${request.path} in time`)
        }
        return noAnswer(error, request.signal)
      } finally {
        cancel()
      }
    },
    async stream(request) {
      const signal = request.signal ?? new AbortController().signal
      try {
        const response = await open(request, signal, 'streams')
        if (response.status === 200) return { ok: true, status: 200, body: response }
        return { ok: false, error: readFailure(response, await readText(response)) }
      } catch (error) {
        return noAnswer(error, request.signal)
      }
    },
    async close() {
      isClosed = true
      const pools = poolsOf(current)
      current = undefined
      await Promise.all(pools.map((pool) => pool.destroy()))
    },
  }
}

function poolsOf(pools: Pools | undefined): readonly HttpPool[] {
  return pools === undefined ? [] : [pools.calls, pools.streams]
}

async function readText(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function readBody(response: HttpResponse, text: string): KubeResult<unknown> {
  const { status } = response
  if (status < 200 || status > 299) return { ok: false, error: readFailure(response, text) }
  try {
    return { ok: true, status, body: JSON.parse(text) }
  } catch {
    return { ok: false, error: invalidBody(status, 'the body of the answer is not JSON') }
  }
}

function queryText(query: KubeRequest['query']): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value))
  }
  return search.size === 0 ? '' : `?${search}`
}

function failed(
  reason: string,
  message: string,
): { readonly ok: false; readonly error: KubeError } {
  return { ok: false, error: { status: 0, reason, message } }
}

/** Says why there is no answer, or only half of one. */
export function noAnswer(
  error: unknown,
  signal: AbortSignal | undefined,
): { readonly ok: false; readonly error: KubeError } {
  if (signal?.aborted === true) return failed('Aborted', 'the call was given up')
  return failed('Unreachable', error instanceof Error ? error.message : String(error))
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}

/** True when the server's certificate does not belong to the CA that we know: the CA may have been rotated. */
function isDistrust(error: unknown): boolean {
  const code = errorCode(error)
  return (
    code.includes('CERT') ||
    code.includes('UNABLE_TO_') ||
    code === 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'
  )
}

function isCut(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}
