// Where is a route closed of which not all can be read? At each path that it names, for whatever its conditions were to be: a
// broader route must not serve what it may have protected.
import type { Match, PathType } from '../table.ts'
import { everyHost } from '../table.ts'
import { type Call, textOfArg } from './language.ts'
import { readPredicates } from './predicates/read.ts'
import { knownSubtree } from './predicates/read-path.ts'

interface Place {
  readonly pathType: PathType
  readonly path: string
}

const pathNames: ReadonlySet<string> = new Set(['Path', 'PathSubtree'])

/** Says whether a predicate names a path. */
export function namesPath({ name }: Call): boolean {
  return pathNames.has(name)
}

/**
 * Gives the matches of a closed route. Absent hosts: as its predicates say, else every host. A path that cannot be read is closed
 * where the route may protect something: one that only forwards leaves it to the others, as in Skipper.
 */
export function closedMatches(
  calls: readonly Call[],
  given: readonly string[] | undefined,
  mayProtect: boolean,
): readonly Match[] {
  const places = calls.filter(namesPath).map((call) => placeOf(call, mayProtect))
  const hosts = given ?? hostsOf(calls) ?? [everyHost]
  return hosts.flatMap((host) =>
    (places.length === 0 ? [pathless] : places).map((place) => ({
      host,
      ...place,
      conditions: [],
      weight: 0,
    })),
  )
}

const pathless: Place = { pathType: 'Any', path: '/' }

/** A path that cannot be read is closed from its last part on that can. */
function placeOf(call: Call, mayProtect: boolean): Place {
  const reading = readPredicates([call])
  if (reading.ok) {
    const { pathType, path } = reading.match
    return pathType === undefined || path === undefined ? pathless : { pathType, path }
  }
  if (!mayProtect) return pathless
  const path = knownSubtree(textOfArg(call.args[0]) ?? '')
  return path === '/' ? pathless : { pathType: 'Prefix', path }
}

function hostsOf(calls: readonly Call[]): readonly string[] | undefined {
  const reading = readPredicates(calls.filter(({ name }) => name === 'Host'))
  return reading.ok ? reading.match.hosts : undefined
}
