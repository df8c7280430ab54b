// What do the predicates of a route of eskip ask for? Calls become the parts of a match.
//
// Invariant: a predicate that is unknown or has wrong arguments is a fault: nobody knows which requests the route means.
import { nearNames, oneOfNames } from '../../../near-names.ts'
import { faultOf } from '../../conditions/compile.ts'
import type { Condition } from '../../conditions/condition.ts'
import type { Match } from '../../table.ts'
import type { Call, Position } from '../language.ts'
import { clients } from './clients.ts'
import { fields } from './fields.ts'
import { hostCondition, places } from './places.ts'
import { isWrong, type Predicate, type Wish } from './predicate.ts'
import { shares } from './shares.ts'
import { times } from './times.ts'

/** What is wrong with one predicate. */
export interface PredicateFault {
  readonly name: string
  readonly at: Position
  /** One sentence. */
  readonly message: string
  /** What to do about it, one sentence. */
  readonly remedy: string
}

/** The parts of a match that predicates ask for: its path, its conditions and what else it has. */
export interface MatchParts extends Partial<Omit<Match, 'host' | 'conditions'>> {
  readonly conditions: Match['conditions']
  /** As a match names hosts; absent: the predicates name none. */
  readonly hosts?: readonly string[]
}

/** What predicates ask for, or why nobody can say. */
export type PredicatesReading =
  | { readonly ok: true; readonly match: MatchParts }
  | { readonly ok: false; readonly faults: readonly PredicateFault[] }

/** What the object of a route says besides. */
export interface PredicateSettings {
  /** The object names the hosts: predicates of hosts are conditions then. */
  readonly hasHosts?: boolean
  /** Tells the route from others of its object: chances of two routes are independent of each other. */
  readonly seed?: string
}

/** All predicates, in the order of documents. */
export const predicates: readonly Predicate[] = [
  ...places,
  ...fields,
  ...clients,
  ...times,
  ...shares,
]

const table: ReadonlyMap<string, Predicate> = new Map(predicates.map((each) => [each.name, each]))

/** Each may be asked for every request of its path. */
const mostPredicates = 256

/** Reads the predicates of one route. */
export function readPredicates(
  calls: readonly Call[],
  settings: PredicateSettings = {},
): PredicatesReading {
  const beyond = calls[mostPredicates]
  if (beyond !== undefined) return { ok: false, faults: [tooMany(beyond, calls.length)] }
  const faults: PredicateFault[] = []
  const wishes = new Map<string, Wish>()
  for (const [index, call] of calls.entries()) {
    const predicate = table.get(call.name)
    if (predicate === undefined) {
      faults.push(unknownPredicate(call))
      continue
    }
    const wish = predicate.read(call.args, { seed: seedOf(`${settings.seed ?? ''}\n${index}`) })
    const fault = isWrong(wish)
      ? { message: `The predicate ${call.name} ${wish.wrong}.`, remedy: wish.remedy }
      : faultOfConditions(call, predicate, wish.conditions ?? [])
    if (fault !== undefined) faults.push({ name: call.name, at: call.at, ...fault })
    else if (!isWrong(wish)) {
      if (wish.path !== undefined && [...wishes.values()].some(hasPath))
        faults.push(secondPath(call))
      wishes.set(wish.replaces ?? `${index}`, wish)
    }
  }
  if (faults.length > 0) return { ok: false, faults }
  const match = joined([...wishes.values()], settings.hasHosts === true)
  const wrong = match.conditions.map(faultOf).find((each) => each !== undefined)
  const hosts = calls.findLast(({ name }) => name === 'HostAny' || name === 'Host')
  // Hosts that become a pattern: one that cannot be matched would leave its requests to others.
  if (wrong !== undefined && hosts !== undefined)
    return { ok: false, faults: [tooManyHosts(hosts)] }
  return { ok: true, match }
}

function tooMany({ name, at }: Call, count: number): PredicateFault {
  const message = `The route has ${count} predicates, and ${mostPredicates} are allowed.`
  return { name, at, message, remedy: 'Join predicates, or divide the work among routes.' }
}

function tooManyHosts({ name, at }: Call): PredicateFault {
  const message = `The predicate ${name} names too many hosts beside those of its object.`
  return {
    name,
    at,
    message,
    remedy: 'Name the hosts in the object, or write a route for some each.',
  }
}

function hasPath({ path }: Wish): boolean {
  return path !== undefined
}

function secondPath({ name, at }: Call): PredicateFault {
  const message = `The predicate ${name} names a second path.`
  return { name, at, message, remedy: 'Keep one of them, or write a route for each.' }
}

function joined(wishes: readonly Wish[], hasHosts: boolean): MatchParts {
  const conditions: Condition[] = []
  let match: Omit<MatchParts, 'conditions'> = {}
  let weight = 0
  for (const {
    hosts,
    conditions: own = [],
    weight: ownWeight = 1,
    replaces: _,
    ...place
  } of wishes) {
    conditions.push(...own)
    weight += ownWeight
    if (hosts === undefined) match = { ...match, ...place }
    else if (hasHosts || match.hosts !== undefined) {
      conditions.push(hostCondition(hosts))
      weight += 1
    } else match = { ...match, hosts }
  }
  return { ...match, conditions, weight }
}

function faultOfConditions(
  { name }: Call,
  { args }: Predicate,
  conditions: readonly Condition[],
): Pick<PredicateFault, 'message' | 'remedy'> | undefined {
  const fault = conditions.map(faultOf).find((each) => each !== undefined)
  return fault === undefined
    ? undefined
    : { message: `The predicate ${name} ${fault}.`, remedy: `Write it with ${args}.` }
}

/** Mixes a text into a number (FNV-1a), the same in every proxy. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  }
  return hash
}

function unknownPredicate({ name, at }: Call): PredicateFault {
  const near = oneOfNames(nearNames(name, table.keys()))
  const remedy =
    near === undefined ? 'Use a predicate of docs/skipper-predicates.md.' : `Did you mean ${near}?`
  return { name, at, message: `There is no predicate ${name}.`, remedy }
}
