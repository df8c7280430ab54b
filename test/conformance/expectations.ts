// What may a case expect of a request, and how is each of it seen from outside? One check per key.
//
// Invariant: a key without a check here fails the case; nothing that a case says is passed over in silence.
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { type Echo, echoFields } from '../support/upstream.ts'
import type { CaseEndpoint, CaseExpectation, CaseRequest, ConformanceCase } from './objects.ts'

/** What one request showed: the response, and where and how it arrived upstream. */
export interface Sight {
  readonly response: RawResponse
  /** Absent when no upstream answered. */
  readonly echo: Echo | undefined
  readonly endpoint: CaseEndpoint | undefined
}

/** Everything that a check may look at: all requests of one line of a case (`repeat`). */
export interface Outcome {
  readonly conformance: ConformanceCase
  readonly request: CaseRequest
  readonly sights: readonly Sight[]
  /** The version that they were asked in; HTTP/1.1 where it is left out. */
  readonly version?: string
}

/** Field that every request of the suite sends, for cases that ask for fields "as sent". */
export const sentFields: ReadonlyMap<string, string> = new Map([['user-agent', 'conformance/1.0']])

/** What checks need of a test: tap's has it, and so does any runner that can fail. */
export interface Asserts {
  ok(isTrue: boolean, ...message: [] | [string]): void
  equal(found: unknown, wanted: unknown, ...message: [] | [string]): void
  same(found: unknown, wanted: unknown, ...message: [] | [string]): void
  fail(message: string): void
}

type Check<Key extends keyof CaseExpectation> = (
  t: Asserts,
  expected: NonNullable<CaseExpectation[Key]>,
  outcome: Outcome,
) => void

// Every key of CaseExpectation has to be here, or this does not compile.
const checks: { readonly [Key in keyof Required<CaseExpectation>]: Check<Key> } = {
  status(t, expected, { request, sights }) {
    const right = [expected, ...(request.expect.alternatives ?? [])]
    const got = sights.map(({ response }) => response.status)
    const wrong = got.filter((status) => !right.includes(status))
    t.same(wrong, [], `status is ${right.join(' or ')}`)
  },
  alternatives(t, expected) {
    t.ok(expected.length > 0, 'read together with status')
  },
  service(t, expected, outcome) {
    eachServed(outcome, ({ endpoint }) => t.equal(endpoint?.service, expected, 'service'))
  },
  namespace(t, expected, outcome) {
    eachServed(outcome, ({ endpoint }) => t.equal(endpoint?.namespace, expected, 'namespace'))
  },
  port(t, expected, outcome) {
    const targets = targetsOf(outcome.conformance, outcome.request.expect, expected)
    eachServed(outcome, ({ endpoint }) =>
      t.ok(targets.includes(endpoint?.port ?? 0), `port ${expected} is ${targets.join(' or ')}`),
    )
  },
  endpointPort(t, expected, outcome) {
    eachServed(outcome, ({ endpoint }) => t.equal(endpoint?.port, expected, 'endpoint port'))
  },
  endpoints(t, expected, outcome) {
    t.same([...countByEndpoint(outcome).keys()].sort(), [...expected].sort(), 'endpoints')
  },
  evenSplit(t, expected, outcome) {
    const counts = [...countByEndpoint(outcome).values()]
    const even = outcome.sights.length / counts.length
    const isEven = counts.length > 1 && counts.every((count) => Math.abs(count - even) <= even / 5)
    t.equal(isEven, expected, `even split: ${counts.join(', ')}`)
  },
  distinctPods(t, expected, outcome) {
    t.equal(countByEndpoint(outcome).size, expected, 'distinct pods')
  },
  // A response is of the version of its request.
  proto(t, expected, { sights, version = expected }) {
    const right = version === 'HTTP/2' ? 'HTTP/2.0' : expected
    for (const { response } of sights) t.equal(response.version, right, 'protocol')
  },
  responseHeadersPresent(t, expected, { sights }) {
    for (const { response } of sights) {
      for (const name of expected) {
        t.equal(fieldsOf(response, name).length, 1, `one ${name} in the response`)
      }
    }
  },
  tls(t, { certificateVerifiesHostname: host = '' }, { conformance }) {
    const hosts = conformance.ingresses.flatMap(({ spec }) => spec?.tls ?? [])
    t.ok(
      hosts.some((section) => section.hosts?.includes(host)),
      `${host} is among the hosts that the load balancer takes certificates for`,
    )
  },
  upstream(t, expected, outcome) {
    eachServed(outcome, ({ echo }) => checkUpstream(t, expected, echo))
  },
}

const upstreamKeys = ['method', 'path', 'host', 'proto', 'headers']

/** Checks everything that a case expects of one request. */
export function checkExpectations(t: Asserts, outcome: Outcome): void {
  for (const key of Object.keys(outcome.request.expect)) {
    if (isChecked(key)) checkKey(t, key, outcome)
    else t.fail(`there is no check for ${key}`)
  }
}

function isChecked(key: string): key is keyof typeof checks {
  return Object.hasOwn(checks, key)
}

function checkKey<Key extends keyof CaseExpectation>(t: Asserts, key: Key, outcome: Outcome): void {
  const expected = outcome.request.expect[key]
  if (expected !== undefined && expected !== null) checks[key](t, expected, outcome)
}

function checkUpstream(
  t: Asserts,
  expected: NonNullable<CaseExpectation['upstream']>,
  echo: Echo | undefined,
): void {
  const unknown = Object.keys(expected).filter((key) => !upstreamKeys.includes(key))
  t.same(unknown, [], 'keys of upstream')
  const { method, path, host, proto, headers = {} } = expected
  if (method !== undefined) t.equal(echo?.method, method, 'method upstream')
  if (path !== undefined) t.equal(echo?.path, path, 'path upstream')
  if (host !== undefined) t.equal(echo?.host, host, 'host upstream')
  if (proto !== undefined) t.equal(echo?.proto, proto, 'protocol upstream')
  for (const [name, value] of Object.entries(headers)) {
    const isAsSent = value.startsWith('<as sent')
    const right = isAsSent ? sentFields.get(name.toLowerCase()) : value
    t.same(echoFields(echo, name), [right], `${name} upstream`)
  }
}

/** Where an alternative to 200 is right and was given, nothing is expected of the upstream. */
function eachServed({ sights }: Outcome, check: (sight: Sight) => void): void {
  for (const sight of sights) if (sight.response.status === 200) check(sight)
}

function countByEndpoint({ sights }: Outcome): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { endpoint } of sights) {
    if (endpoint === undefined) continue
    const name = `${endpoint.address}:${endpoint.port}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** The endpoint ports behind a port of a Service, from the objects that the case declares. */
function targetsOf(
  conformance: ConformanceCase,
  { service, namespace }: CaseExpectation,
  port: number | string,
): readonly number[] {
  return conformance.services
    .filter((each) => each.name === service && each.namespace === (namespace ?? each.namespace))
    .flatMap((declared) => {
      const found = declared.ports.find((each) => each.port === port || each.name === port)
      const slices = declared.endpointSlices?.flatMap((slice) => slice.ports)
      const listed = slices ?? declared.endpointSlicePorts
      if (listed === undefined) {
        const { targetPort, port: own = 0 } = found ?? {}
        return [typeof targetPort === 'number' ? targetPort : own]
      }
      const named = listed.filter((each) => (each.name ?? '') === (found?.name ?? ''))
      return named.map((each) => each.port)
    })
}
