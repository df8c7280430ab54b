// What may a step expect, and how is each of it seen from outside? One check per key; a check gives what is wrong, in words.
//
// Invariant: a key without a check here fails the case; nothing that a case says is passed over in silence.
import { fieldsOf } from '../support/raw-client.ts'
import type { Backend, Seen } from './backend.ts'
import type { Expect, Range, WantedHeader, WantedSight } from './case.ts'
import { type Answered, decodedBody } from './client.ts'

/** All requests of a step. */
export interface Outcome {
  readonly answers: readonly Answered[]
  readonly backends: readonly Backend[]
  /** What a backend got in this step. */
  readonly seenBy: (name: string) => readonly Seen[]
  readonly tookMs: number
}

type Wrong = string | undefined
type Check<K extends keyof Expect> = (wanted: NonNullable<Expect[K]>, outcome: Outcome) => Wrong

const checks: { readonly [K in keyof Required<Expect>]: Check<K> } = {
  status: (wanted, { answers }) =>
    first(answers, (answer) => difference(wanted, statusOf(answer) ?? answer.error ?? 'none')),
  servedBy: (wanted, { answers }) =>
    first(answers, (answer) => difference(wanted, serverOf(answer) ?? 'the proxy')),
  headers: (wanted, { answers }) =>
    first(answers, ({ response }) =>
      headersDifference(wanted, (name) => (response === undefined ? [] : fieldsOf(response, name))),
    ),
  body: (wanted, { answers }) =>
    first(answers, ({ response }) =>
      difference(wanted, response === undefined ? 'none' : decodedBody(response).toString()),
    ),
  bodyLength: (wanted, { answers }) =>
    first(answers, ({ response }) =>
      difference(wanted, response === undefined ? 'none' : decodedBody(response).length),
    ),
  cut: (wanted, { answers }) =>
    first(answers, ({ error }) => difference(wanted, error !== undefined)),
  upstreamSaw: (wanted, outcome) =>
    first(outcome.answers, (answer) => {
      const seen = sightOf(answer, outcome)
      return seen === undefined ? 'no backend answered' : sightDifference(wanted, seen)
    }),
  shadow: (wanted, { seenBy }) =>
    firstEntry(wanted, (name, sight) => {
      const seen = seenBy(name)
      if (sight === null) return seen.length === 0 ? undefined : `asked ${seen.length} times`
      return seen[0] === undefined ? 'not asked' : sightDifference(sight, seen[0])
    }),
  attempts: (wanted, { backends, seenBy }) =>
    first(backends, ({ name }) => {
      const wrong = difference(wanted[name] ?? 0, seenBy(name).length)
      return wrong === undefined ? undefined : `${name}: ${wrong}`
    }),
  statuses: (wanted, { answers }) => difference(wanted.join(), answers.map(statusOf).join()),
  statusCounts: (wanted, { answers }) => countsDifference(wanted, answers.map(statusOf)),
  distribution: (wanted, { answers }) => countsDifference(wanted, answers.map(serverOf)),
  same: (wanted, { answers }) =>
    difference(wanted, new Set(answers.map((each) => serverOf(each) ?? 'the proxy')).size === 1),
  peak: (wanted, { backends }) =>
    firstEntry(wanted, (name, most) =>
      difference(most, backends.find((each) => each.name === name)?.peak ?? 0),
    ),
  elapsedMs: (wanted, { tookMs }) => rangeDifference(wanted, Math.round(tookMs)),
  recorded: () => undefined,
}

const sightChecks: {
  readonly [K in keyof Required<WantedSight>]: (
    wanted: NonNullable<WantedSight[K]>,
    seen: Seen,
  ) => Wrong
} = {
  path: (wanted, { path }) => difference(wanted, path),
  query: (wanted, { query }) => difference(wanted, query),
  host: (wanted, { host }) => difference(wanted, host),
  method: (wanted, { method }) => difference(wanted, method),
  body: (wanted, { body }) => difference(wanted, Buffer.from(body, 'latin1').toString()),
  headers: (wanted, seen) => headersDifference(wanted, (name) => seen.values(name)),
}

/** What is wrong with the requests of a step, in words; undefined when nothing is. */
export function checkStep(expect: Expect, outcome: Outcome): Wrong {
  // Whoever expects a cut answer says so; else it must be whole.
  const broken =
    expect.cut === undefined
      ? first(outcome.answers, ({ error }) => error?.slice(0, 300))
      : undefined
  return broken ?? differences(expect, (key) => check(key, expect, outcome))
}

function check(key: string, expect: Expect, outcome: Outcome): Wrong {
  return isKeyOf(checks, key) ? runCheck(key, expect, outcome) : `there is no check for ${key}`
}

function runCheck<K extends keyof Expect>(key: K, expect: Expect, outcome: Outcome): Wrong {
  const wanted = expect[key]
  // `servedBy: null` is the one that says something: the proxy answered itself.
  if (wanted === null) return first(outcome.answers, isOwn)
  return wanted === undefined ? undefined : checks[key](wanted, outcome)
}

function isOwn(answer: Answered): Wrong {
  const server = serverOf(answer)
  return server === undefined ? undefined : `${server}, not the proxy`
}

function sightDifference(wanted: WantedSight, seen: Seen): Wrong {
  return differences(wanted, (key) =>
    isKeyOf(sightChecks, key)
      ? runSightCheck(key, wanted, seen)
      : `there is no check for ${key} at a backend`,
  )
}

function runSightCheck<K extends keyof WantedSight>(key: K, wanted: WantedSight, seen: Seen) {
  const value = wanted[key]
  return value === undefined ? undefined : sightChecks[key](value, seen)
}

function headersDifference(
  wanted: Readonly<Record<string, WantedHeader>>,
  linesOf: (name: string) => readonly string[],
): Wrong {
  return firstEntry(wanted, (name, value) => headerDifference(name, value, linesOf(name)))
}

function headerDifference(name: string, wanted: WantedHeader, lines: readonly string[]): Wrong {
  if (wanted === null) return lines.length === 0 ? undefined : `${lines.join(' | ')}, not absent`
  if (lines.length === 0) return `absent, not ${JSON.stringify(wanted)}`
  if (typeof wanted === 'object' && 'matches' in wanted) {
    const isMatch = new RegExp(`^(?:${wanted.matches})$`).test(lines.join(', '))
    return isMatch ? undefined : `${lines.join(', ')}, not like ${wanted.matches}`
  }
  const expected = typeof wanted === 'string' ? [wanted] : wanted
  const normal = name.toLowerCase() === 'set-cookie' ? cookies : joined
  return difference(normal(expected), normal(lines))
}

/** Several lines are one with commas (RFC 9110, section 5.2). */
function joined(lines: readonly string[]): string {
  return lines.join(', ')
}

/** Attributes of a cookie come in any order. */
function cookies(lines: readonly string[]): string {
  const normal = lines.map((line) => {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    return [pair, ...attributes.map((each) => each.toLowerCase()).sort()].join('; ')
  })
  return normal.sort().join(' | ')
}

function statusOf({ response }: Answered): number | undefined {
  return response?.status
}

/** The backend that answered, by its own word: what a proxy cannot invent. */
function serverOf({ response }: Answered): string | undefined {
  return response === undefined ? undefined : fieldsOf(response, 'x-backend')[0]
}

function sightOf({ response }: Answered, { backends }: Outcome): Seen | undefined {
  const number = response === undefined ? undefined : fieldsOf(response, 'x-sight')[0]
  const all = backends.flatMap(({ seen }) => seen)
  return all.find((each) => `${each.number}` === number)
}

function countsDifference(
  wanted: Readonly<Record<string, Range>>,
  values: readonly (string | number | undefined)[],
): Wrong {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(`${value}`, (counts.get(`${value}`) ?? 0) + 1)
  const wrong = firstEntry(wanted, (key, range) => rangeDifference(range, counts.get(key) ?? 0))
  return wrong === undefined
    ? undefined
    : `${wrong}, of ${JSON.stringify(Object.fromEntries(counts))}`
}

function rangeDifference([least, most]: Range, found: number): Wrong {
  return found >= least && found <= most ? undefined : `${found}, not ${least} to ${most}`
}

function difference<T>(wanted: T, found: T | string): Wrong {
  return wanted === found ? undefined : `${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`
}

function differences(wanted: object, wrong: (key: string) => Wrong): Wrong {
  return first(Object.keys(wanted), (key) => {
    const found = wrong(key)
    return found === undefined ? undefined : `${key}: ${found}`
  })
}

function first<T>(all: readonly T[], wrong: (each: T) => Wrong): Wrong {
  for (const each of all) {
    const found = wrong(each)
    if (found !== undefined) return found
  }
  return undefined
}

function firstEntry<T>(
  all: Readonly<Record<string, T>>,
  wrong: (name: string, value: T) => Wrong,
): Wrong {
  return first(Object.entries(all), ([name, value]) => {
    const found = wrong(name, value)
    return found === undefined ? undefined : `${name}: ${found}`
  })
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key)
}
