import t from 'tap'
import { grpcStatusOf, grpcTimeoutMs, isGrpc, trailersOnly } from './grpc.ts'

const types: [value: string | undefined, is: boolean, why: string][] = [
  ['application/grpc', true, 'plain'],
  ['application/grpc+proto', true, 'with its message format'],
  ['Application/GRPC;charset=utf-8', true, 'any case, a parameter'],
  ['application/grpc-web', false, 'its status is in the body'],
  ['application/grpc-web+proto', false, 'the same'],
  ['application/grpcx', false, 'another type'],
  ['application/json', false, 'another type'],
  [undefined, false, 'none'],
]
for (const [value, is, why] of types) {
  const fields = value === undefined ? 'x: y\r\n' : `x: y\r\nContent-Type: ${value}\r\n`
  t.equal(isGrpc(fields), is, `${value}: ${why}`)
}

const timeouts: [value: string, ms: number | undefined, why: string][] = [
  ['1H', 3_600_000, 'hours'],
  ['2M', 120_000, 'minutes'],
  ['3S', 3000, 'seconds'],
  ['4m', 4, 'milliseconds'],
  ['1500u', 2, 'microseconds, rounded up'],
  ['5n', 1, 'nanoseconds'],
  ['99999999H', 359_999_996_400_000, 'eight digits'],
  ['999999999m', undefined, 'nine digits'],
  ['1s', undefined, 'no unit'],
  ['1', undefined, 'no unit'],
  ['S', undefined, 'no digits'],
  ['-1S', undefined, 'below 0'],
]
for (const [value, ms, why] of timeouts) {
  t.equal(grpcTimeoutMs(`grpc-timeout: ${value}\r\n`), ms, `${value}: ${why}`)
}
t.equal(grpcTimeoutMs('x: y\r\n'), undefined, 'none')

const statuses: [status: number, code: string, is: number, why: string][] = [
  [200, '', 0, 'an answer of a route, or of health'],
  [308, '', 2, 'gRPC follows no redirect'],
  [400, 'malformed-request', 13, 'by its status'],
  [401, '', 16, 'an authentication'],
  [403, 'access-denied', 7, 'by its status'],
  [404, 'no-route', 12, 'nobody knows the method'],
  [413, 'body-too-large', 8, 'a limit, whatever its status'],
  [418, '', 2, 'a status without a meaning'],
  [429, '', 14, 'by its status'],
  [429, 'rate-limited', 8, 'a limit of Weir'],
  [500, 'internal-error', 13, 'a fault'],
  [502, 'upstream-reset', 14, 'by its status'],
  [503, 'no-endpoints', 14, 'by its status'],
  [503, 'concurrency-limited', 8, 'a limit, whatever its status'],
  [504, 'connect-timeout', 14, 'nothing was sent: it may be tried again'],
  [504, 'response-timeout', 4, 'it may have been served: no invitation to try again'],
  [504, 'deadline-exceeded', 4, 'the deadline of the client'],
  [503, 'constructor', 14, 'no code of a failure'],
]
for (const [status, code, is, why] of statuses) {
  t.equal(grpcStatusOf(status, code), is, `${status} ${code}: ${why}`)
}

t.equal(
  trailersOnly(14, 'no 100% ü\n', 'X-A: b\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n'),
  'X-A: b\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\ngrpc-status: 14\r\ngrpc-message: no 100%25 %C3%BC%0A\r\n',
  'all but what belongs to a page is kept; the message is percent-encoded',
)
