import t from 'tap'
import { grpcTimeoutMs, isGrpc } from './grpc.ts'

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
