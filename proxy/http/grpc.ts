// What does gRPC say in the fields of HTTP, and how does it hear of a failure? (gRPC over HTTP/2, github.com/grpc/grpc)
import { type FailureCode, isFailureCode } from '../../shared/routing/failure.ts'
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { dropFields, fieldValue } from './fields.ts'

// Not `application/grpc-web`: it carries its status in the body, and nobody but its own ends looks into that.
const contentType = /^application\/grpc(?:$|[+; ])/i
const timeout = /^(\d{1,8})([HMSmun])$/
const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
}

/** Says whether a request is one of gRPC, by its field lines. */
export function isGrpc(fields: string): boolean {
  const type = fieldValue(fields, 'content-type', ',')
  return type !== undefined && contentType.test(type)
}

/** Reads `grpc-timeout`, in ms; undefined when there is none that can be read. */
export function grpcTimeoutMs(fields: string): number | undefined {
  const [, digits, unit = ''] = timeout.exec(fieldValue(fields, 'grpc-timeout', ',') ?? '') ?? []
  return digits === undefined ? undefined : Math.ceil(Number(digits) * (unitMs[unit] ?? 0))
}

/** Codes of gRPC that Weir itself has a use for (github.com/grpc/grpc, Status codes and their use in gRPC). */
const codes = {
  ok: 0,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** What a client of gRPC makes of a status of HTTP (gRPC: HTTP to gRPC Status Code Mapping); all others are unknown to it. */
const byStatus: Readonly<Record<number, number>> = {
  400: codes.internal,
  401: codes.unauthenticated,
  403: codes.permissionDenied,
  404: codes.unimplemented,
  429: codes.unavailable,
  502: codes.unavailable,
  503: codes.unavailable,
  504: codes.unavailable,
}

/** Where the failure says more than its status does. A call that may have been served is never unavailable: that is tried again. */
const byFailure: Readonly<Partial<Record<FailureCode, number>>> = {
  'body-too-large': codes.resourceExhausted,
  'concurrency-limited': codes.resourceExhausted,
  'deadline-exceeded': codes.deadlineExceeded,
  'head-too-large': codes.resourceExhausted,
  'internal-error': codes.internal,
  'rate-limited': codes.resourceExhausted,
  'request-timeout': codes.deadlineExceeded,
  'response-timeout': codes.deadlineExceeded,
}

/** The code of gRPC for an answer of Weir's own; `code` is why, or empty. */
export function grpcStatusOf(status: number, code: string): number {
  const ofFailure = isFailureCode(code) ? byFailure[code] : undefined
  return ofFailure ?? (status < 300 ? codes.ok : (byStatus[status] ?? codes.unknown))
}

const ofHttp: ReadonlySet<string> = new Set(['content-type', 'content-length'])

/** Makes the field lines of an answer that is nothing but its head (Trailers-Only), from those that it would have in HTTP. */
export function trailersOnly(grpcStatus: number, message: string, lines: FieldLines): FieldLines {
  const kept = dropFields(lines, ofHttp)
  // HTTP/1.1 has to be told that no body follows.
  const own = `Content-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: ${grpcStatus}\r\n`
  return `${kept}${own}grpc-message: ${encodeMessage(message)}\r\n`
}

/** Percent-encodes what is not visible ASCII, and `%` itself. */
function encodeMessage(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]/g, (char) => encodeURIComponent(char))
}
