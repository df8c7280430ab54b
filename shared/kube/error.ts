// How a call to the API server fails, as a value: callers decide by status and reason, never by text.
import type { HttpResponse } from '../http.ts'

/** A call that did not succeed. */
export interface KubeError {
  /** The HTTP status, or that of the Status object in an ERROR event; 0 when there was no answer. */
  readonly status: number
  /**
   * The API's own reason (`NotFound`, `Conflict`, `Expired`, `Forbidden`, …), or one of ours: `Unreachable` (no
   * connection, or cut), `Timeout`, `Aborted` (the caller's signal), `InvalidBody` (not what the API promises).
   */
  readonly reason: string
  readonly message: string
  /** How long the server asks to wait (Retry-After, or details.retryAfterSeconds). */
  readonly retryAfterMs?: number
}

/** What a call gives: its body, or why there is none. Calls never reject. */
export type KubeResult<T> =
  | { readonly ok: true; readonly status: number; readonly body: T }
  | { readonly ok: false; readonly error: KubeError }

/** True for a plain JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads a Kubernetes Status object (also from an ERROR event); anything else becomes a general error of `status`. */
export function readStatus(body: unknown, status: number, retryAfterHeader?: string): KubeError {
  const fields = isRecord(body) && body.kind === 'Status' ? body : {}
  const details = isRecord(fields.details) ? fields.details : {}
  const code = typeof fields.code === 'number' ? fields.code : status
  const seconds = retryAfterHeader ?? details.retryAfterSeconds
  // Retry-After as a date (RFC 9110 §10.2.3) is never sent by the API server: ignored, the back-off rules.
  const retryAfterMs = seconds === undefined ? Number.NaN : Number(seconds) * 1000
  return {
    status: code,
    reason: typeof fields.reason === 'string' ? fields.reason : `Http${code}`,
    message:
      typeof fields.message === 'string' ? fields.message : `the API server answered ${code}`,
    ...(Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? { retryAfterMs } : {}),
  }
}

/** The error of a body that is not what the API promises. */
export function invalidBody(status: number, message: string): KubeError {
  return { status, reason: 'InvalidBody', message }
}

/** The error of an answer that is not a success. */
export function readFailure(response: HttpResponse, text: string): KubeError {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  return readStatus(body, response.status, response.headers['retry-after'])
}
