// What may a step expect, and how is each of it seen from outside? One check per key; a check gives what is wrong, in words.
//
// Invariant: a key without a check here fails the case; nothing that a case says is passed over in silence.
import { setTimeout as delay } from 'node:timers/promises'
import { fieldsOf } from '../support/raw-client.ts'
import { checkAtService } from './at-service.ts'
import type { Backends } from './backends.ts'
import type { Expect, Wanted, WantedCookie } from './case.ts'
import type { Answered } from './client.ts'
import { type Cookie, cookiesOf, lifetimeSeconds } from './cookies.ts'
import type { Seen } from './endpoint.ts'
import { mismatch, numberMismatch } from './matchers.ts'

/** One request of a step: what the client saw, and what the endpoint that answered had got. */
export interface Sight extends Answered {
  /** Undefined: the proxy answered itself, or nobody. */
  readonly seen: Seen | undefined
}

/** All requests of a step, and what checks compare them with. */
export interface Outcome {
  readonly sights: readonly Sight[]
  /** Requests of earlier steps by their labels. */
  readonly labels: ReadonlyMap<string, Sight>
  readonly backends: Backends
  /** What a Service had got before the step: that many requests. */
  readonly before: (service: string) => number
  /** The certificate that a Secret of the case holds, in PEM; undefined: there is none. */
  readonly certificateOf: (secret: string) => Promise<string | undefined>
}

type Check<K extends keyof Expect> = (
  wanted: NonNullable<Expect[K]> | null,
  outcome: Outcome,
) => string | undefined | Promise<string | undefined>

type Checks = { readonly [K in keyof Required<Expect>]: Check<K> }

// How long a Service may take to get what goes there beside the request: mirrored requests.
const settleMs = 1500
// A request that must not arrive has had this long to do so.
const graceMs = 60
const evenBy = 0.2

const checks: Checks = {
  status(wanted, { sights }) {
    const right = Array.isArray(wanted) ? wanted : [wanted]
    const isRight = (status: number) =>
      right.some((each) => each === status || each === `${Math.floor(status / 100)}xx`)
    return first(sights, ({ response, error }) => {
      if (response === undefined) return `no answer: ${error}`
      return isRight(response.status) ? undefined : `${response.status}, not ${right.join(' or ')}`
    })
  },
  servedBy(wanted, { sights }) {
    const right = Array.isArray(wanted) ? wanted : [wanted]
    return first(sights, (sight) => {
      const service = serviceOf(sight) ?? null
      return right.includes(service) ? undefined : `${service ?? 'the proxy'}, not ${right.join()}`
    })
  },
  headers(wanted, { sights }) {
    return first(sights, ({ response }) =>
      firstEntry(wanted, (name, value) =>
        named(name, mismatch(value, response === undefined ? [] : fieldsOf(response, name))),
      ),
    )
  },
  body(wanted, { sights }) {
    return first(sights, ({ response }) => mismatch(wanted ?? '', [response?.body ?? '']))
  },
  bodyBytes(wanted, { sights }) {
    return first(sights, ({ response }) => numberMismatch(wanted ?? 0, response?.bodyBytes ?? 0))
  },
  upstreamSaw(wanted, { sights }) {
    return first(sights, ({ seen }) => {
      if (seen === undefined) return 'no endpoint answered'
      return checkAtService(wanted ?? {}, seen)
    })
  },
  async saw(wanted, { backends, before }) {
    for (const [service, each] of Object.entries(wanted ?? {})) {
      const got = () => backends.seenBy(service).slice(before(service))
      const wrong = named(service, await checkSaw(each, got))
      if (wrong !== undefined) return wrong
    }
    return undefined
  },
  cookie(wanted, { sights }) {
    const all: readonly WantedCookie[] = Array.isArray(wanted) ? wanted : [wanted]
    return first(sights, ({ response }) => {
      const cookies = response === undefined ? [] : cookiesOf(response)
      return first(all, (each) => named(each.name, checkCookie(each, cookies)))
    })
  },
  grpcStatus(wanted, { sights }) {
    return first(sights, ({ response }) => {
      const all = [...(response?.trailers ?? []), ...(response?.fields ?? [])]
      const got = all.find(([name]) => name === 'grpc-status')?.[1] ?? 'none'
      return got === `${wanted}` ? undefined : `${got}, not ${wanted}`
    })
  },
  withinMs(wanted, { sights }) {
    return first(sights, ({ tookMs }) => numberMismatch(wanted ?? 0, Math.round(tookMs)))
  },
  statuses(wanted, { sights }) {
    const count = countBy(sights, ({ response }) => `${response?.status ?? 'none'}`)
    const known = firstEntry(wanted, (status, each) =>
      named(status, numberMismatch(each, count.get(status) ?? 0)),
    )
    const other = [...count.keys()].find((status) => wanted?.[status] === undefined)
    return known ?? (other === undefined ? undefined : `${count.get(other)} answers with ${other}`)
  },
  distribution(wanted, { sights }) {
    const { services = {}, endpoints = {} } = wanted ?? {}
    const byService = countBy(sights, (sight) => serviceOf(sight) ?? 'the proxy')
    const byEndpoint = countBy(sights, ({ seen }) => seen?.place ?? 'none')
    const { distinct, each } = endpoints
    return (
      firstEntry(services, (name, range) =>
        named(name, numberMismatch(range, byService.get(name) ?? 0)),
      ) ??
      (distinct === undefined ? undefined : numberMismatch(distinct, byEndpoint.size)) ??
      (each === undefined ? undefined : first([...byEndpoint.values()], even(each)))
    )
  },
  endpoint(wanted, { sights, labels }) {
    const { same, differs, address } = wanted ?? {}
    return first(sights, ({ seen }) => {
      const place = seen?.place
      if (same !== undefined) return sameness(place, labels.get(same)?.seen?.place, true)
      if (differs !== undefined) return sameness(place, labels.get(differs)?.seen?.place, false)
      return sameness(place, address, true)
    })
  },
  upstreamConnections(wanted, { sights }) {
    const used = countBy(sights, ({ seen }) => `${seen?.connection}`)
    return numberMismatch(wanted ?? 0, used.size)
  },
  upstreamConnection(wanted, { sights, labels }) {
    const { same, differs } = wanted ?? {}
    const label = labels.get(same ?? differs ?? '')?.seen?.connection
    return first(sights, ({ seen }) => sameness(seen?.connection, label, same !== undefined))
  },
  upstreamBeganInPause(wanted, { sights }) {
    return first(sights, ({ seen, pause }) => {
      const { from = 0, to = 0 } = pause ?? {}
      const isWithin = seen !== undefined && seen.at >= from && seen.at < to
      return isWithin === wanted ? undefined : `${isWithin ? '' : 'not '}in the pause`
    })
  },
  responses(wanted, { sights }) {
    return first(sights, ({ responses }) => numberMismatch(wanted ?? 0, responses))
  },
  async tls(wanted, { sights, certificateOf }) {
    const { certificate, version, cipher } = wanted ?? {}
    const isSame = typeof certificate === 'string'
    const secret = isSame ? certificate : certificate?.not
    const expected = secret === undefined ? undefined : await certificateOf(secret)
    return first(sights, ({ tls }) => {
      if (tls === undefined) return 'no TLS'
      if (version !== undefined && tls.version !== version) return tls.version
      if (cipher !== undefined && tls.cipher !== cipher) return tls.cipher
      if (expected === undefined || (tls.certificate === expected) === isSame) return undefined
      return `the certificate is ${isSame ? 'not ' : ''}that of ${secret}`
    })
  },
  refused(wanted, { sights }) {
    return first(sights, ({ response }) =>
      (response === undefined) === wanted ? undefined : `${response?.status ?? 'no answer'}`,
    )
  },
}

/** What is wrong with the requests of a step, in words; undefined when nothing is. */
export async function checkStep(expect: Expect, outcome: Outcome): Promise<string | undefined> {
  for (const key of Object.keys(expect)) {
    if (!isKey(key)) return `there is no check for ${key}`
    const wrong = named(key, await check(key, expect, outcome))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

async function check<K extends keyof Expect>(key: K, expect: Expect, outcome: Outcome) {
  const wanted = expect[key]
  return wanted === undefined ? undefined : checks[key](wanted, outcome)
}

function isKey(key: string): key is keyof Expect {
  return Object.hasOwn(checks, key)
}

/** The Service that answered, by its own word: what a proxy cannot invent. */
function serviceOf({ response }: Sight): string | undefined {
  return response === undefined ? undefined : fieldsOf(response, 'x-backend')[0]
}

/** Waits until a Service got what it should, or was left alone long enough. */
async function checkSaw(
  wanted: NonNullable<Expect['saw']>[string],
  got: () => readonly Seen[],
): Promise<string | undefined> {
  if (wanted === null) {
    await delay(graceMs)
    return got().length === 0 ? undefined : `was asked ${got().length} times`
  }
  const { count, ...facts } = wanted
  const wrong = () => {
    const all = got()
    if (count === undefined && all.length === 0) return 'was not asked'
    const wrongCount = count === undefined ? undefined : numberMismatch(count, all.length)
    return wrongCount ?? first(all, (seen) => checkAtService(facts, seen))
  }
  const deadline = performance.now() + settleMs
  while (wrong() !== undefined && performance.now() < deadline) await delay(20)
  return wrong()
}

function checkCookie(wanted: WantedCookie, cookies: readonly Cookie[]): string | undefined {
  const { name, value, absent = false, lifetimeSeconds: lifetime, ...attributes } = wanted
  const cookie = cookies.find((each) => each.name === name)
  if (absent) return cookie === undefined ? undefined : 'is there'
  if (cookie === undefined) return 'absent'
  if (value !== undefined) {
    const wrong = named('value', mismatch(value, [cookie.value]))
    if (wrong !== undefined) return wrong
  }
  if (lifetime !== undefined) {
    const found = lifetimeSeconds(cookie) ?? Number.NaN
    if (!(Math.abs(found - lifetime) <= 30)) return `lives ${found} s, not ${lifetime}`
  }
  return firstEntry(attributes, (attribute, each: Wanted | undefined) => {
    const found = cookie.attributes.get(attribute.toLowerCase())
    return each === undefined
      ? undefined
      : named(attribute, mismatch(each, found === undefined ? [] : [found]))
  })
}

function even(each: number): (count: number) => string | undefined {
  return (count) => numberMismatch({ min: each * (1 - evenBy), max: each * (1 + evenBy) }, count)
}

function sameness<T>(found: T, other: T, isSame: boolean): string | undefined {
  if (found === undefined || other === undefined) return 'no endpoint answered'
  return (found === other) === isSame ? undefined : `${found}, and ${other} before`
}

function first<T>(all: readonly T[], wrong: (each: T) => string | undefined): string | undefined {
  for (const each of all) {
    const found = wrong(each)
    if (found !== undefined) return found
  }
  return undefined
}

function firstEntry<T>(
  all: Readonly<Record<string, T>> | null,
  wrong: (name: string, each: T) => string | undefined,
): string | undefined {
  return first(Object.entries(all ?? {}), ([name, each]) => wrong(name, each))
}

function named(name: string, wrong: string | undefined): string | undefined {
  return wrong === undefined ? undefined : `${name}: ${wrong}`
}

function countBy<T>(all: readonly T[], nameOf: (each: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const each of all) counts.set(nameOf(each), (counts.get(nameOf(each)) ?? 0) + 1)
  return counts
}
