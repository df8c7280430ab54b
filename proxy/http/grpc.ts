// What does gRPC say in the fields of HTTP, and how does it hear of a failure? (gRPC over HTTP/2, github.com/grpc/grpc)
import { fieldValue } from './fields.ts'

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
