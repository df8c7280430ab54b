// How a call to AWS fails, as a code that decides what happens next; AWS's own words are only for people.
import { iamAction, type Operation } from './operations.ts'

/** Every failure code: label `result` of `weir_aws_calls_total`, beside `ok`. */
export const awsFailureCodes = [
  // AWS asks us to slow down.
  'throttled',
  // An IAM permission is missing.
  'permission',
  // No valid credentials were found.
  'credentials',
  // The group or load balancer does not exist.
  'not-found',
  // A target of the request is not acceptable.
  'invalid-target',
  // A quota is used up.
  'quota',
  // No answer, or AWS has a fault of its own.
  'unavailable',
  'other',
] as const

/** Stable name of a failure. */
export type AwsFailureCode = (typeof awsFailureCodes)[number]

/** A failed call. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure'
  readonly code: AwsFailureCode
  readonly operation: Operation

  constructor(operation: Operation, code: AwsFailureCode, message: string, cause: unknown) {
    super(message, { cause })
    this.code = code
    this.operation = operation
  }
}

// Names as ELBv2 and the common errors of the query protocol give them, without the suffix `Exception`.
const codes: Readonly<Record<string, AwsFailureCode>> = {
  Throttling: 'throttled',
  Throttled: 'throttled',
  ThrottledRequest: 'throttled',
  RequestThrottled: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequests: 'throttled',
  SlowDown: 'throttled',
  PriorRequestNotComplete: 'throttled',
  AccessDenied: 'permission',
  UnauthorizedOperation: 'permission',
  NotAuthorized: 'permission',
  CredentialsProviderError: 'credentials',
  TokenProviderError: 'credentials',
  ExpiredToken: 'credentials',
  InvalidClientTokenId: 'credentials',
  UnrecognizedClient: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  OptInRequired: 'credentials',
  TargetGroupNotFound: 'not-found',
  LoadBalancerNotFound: 'not-found',
  InvalidTarget: 'invalid-target',
  ValidationError: 'invalid-target',
  TooManyTargets: 'quota',
  TooManyRegistrationsForTargetId: 'quota',
  HealthUnavailable: 'unavailable',
  InternalFailure: 'unavailable',
  InternalError: 'unavailable',
  ServiceUnavailable: 'unavailable',
  RequestTimeout: 'unavailable',
  TimeoutError: 'unavailable',
  AbortError: 'unavailable',
}

/** Turns what the SDK threw into a failure. A missing permission is named with the resource it is needed on. */
export function readAwsFailure(
  operation: Operation,
  resource: string,
  thrown: unknown,
): AwsFailure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = failureCode(error)
  return new AwsFailure(operation, code, explain(operation, resource, code, error), error)
}

function failureCode(error: Error): AwsFailureCode {
  const known = codes[error.name.replace(/Exception$/, '')]
  if (known !== undefined) return known
  const status = httpStatus(error)
  // Without an answer the SDK passes the socket's error on: connection refused, reset, name not found.
  if (status === undefined) return 'code' in error ? 'unavailable' : 'other'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'unavailable' : 'other'
}

function httpStatus(error: Error): number | undefined {
  const metadata = '$metadata' in error ? error.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const status = 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined
  return typeof status === 'number' ? status : undefined
}

function explain(
  operation: Operation,
  resource: string,
  code: AwsFailureCode,
  error: Error,
): string {
  switch (code) {
    case 'permission':
      return `IAM does not allow ${iamAction(operation)} on ${resource}: add it to the role's policy (deploy/iam/target-group.json)`
    case 'credentials':
      return `${operation} has no valid AWS credentials: ${error.message}`
    case 'throttled':
    case 'not-found':
    case 'invalid-target':
    case 'quota':
    case 'unavailable':
    case 'other':
      return `${operation} on ${resource} failed (${error.name}): ${error.message}`
  }
}
