// What does the spec of a RouteGroup say? Its schema, and what the schema cannot say: names that are named, one path for a route,
// one filter for an entry. As in Skipper a group of which one part cannot be read is not served at all.
//
// Invariant: nothing is thrown, whatever the shape; what can be read of hosts and paths is, so that its routes can be closed.
import { createBoundedCache } from '../../bounded-cache.ts'
import { nearNames, oneOfNames } from '../../near-names.ts'
import type { Call } from '../eskip/language.ts'
import { tellFault } from '../eskip/language.ts'
import { parseFilters, parsePredicates } from '../eskip/parse.ts'
import type { Target } from '../eskip/targets.ts'
import { readHost } from '../ingress/hosts.ts'
import { isAbsent, isMapping, type Mapping, mappingOf, shown, textOf } from '../shapes.ts'
import { everyHost } from '../table.ts'
import { type GroupBackends, readBackends, readReferences, type Weighted } from './backends.ts'
import { type Complain, listIn } from './complain.ts'

/** A RouteGroup that was read. */
export interface Group {
  /** As a match names them; every host where it names none. */
  readonly hosts: readonly string[]
  readonly routes: readonly GroupRoute[]
}

/** One route of a group. */
export interface GroupRoute {
  /** `spec.routes[3]`, or `spec.defaultBackends`. */
  readonly field: string
  /** Path, methods, and what it says itself. */
  readonly predicates: readonly FieldCall[]
  readonly filters: readonly FieldCall[]
  readonly targets: readonly { readonly target: Target; readonly weight: number }[]
}

/** A call and where it stands. */
export interface FieldCall {
  readonly call: Call
  readonly field: string
}

/** Reads a spec; what it complains about is not whole. */
export function readGroup(spec: Mapping, namespace: string, complain: Complain): Group {
  const hosts = readHosts(spec.hosts, complain)
  const backends = readBackends(spec.backends, namespace, complain)
  const defaults = readReferences(spec.defaultBackends, 'spec.defaultBackends', backends, complain)
  const given = listIn(spec.routes, 'spec.routes', complain)
  if (given.length === 0) {
    if (defaults.length === 0) {
      complain(
        'spec',
        'The RouteGroup has neither routes nor default backends.',
        'Set spec.routes or spec.defaultBackends.',
      )
    }
    const all = { field: 'spec.defaultBackends', predicates: [], filters: [], targets: defaults }
    return { hosts, routes: [all] }
  }
  const routes = given.map((route, index) =>
    new RouteReader(`spec.routes[${index}]`, complain).read(route, backends, defaults),
  )
  return { hosts, routes }
}

function readHosts(value: unknown, complain: Complain): readonly string[] {
  const hosts = new Set<string>()
  for (const [index, item] of listIn(value, 'spec.hosts', complain).entries()) {
    const field = `spec.hosts[${index}]`
    const result = typeof item === 'string' ? readHost(item) : undefined
    if (result?.ok !== true) {
      const reason = result === undefined ? 'is not text' : result.reason
      complain(
        field,
        `The host ${shown(item)} ${reason}.`,
        'Use a DNS name such as shop.example.com.',
      )
    } else if (hosts.has(result.value)) {
      complain(field, `The host ${result.value} is there twice.`, 'Remove one of the two.')
    } else hosts.add(result.value)
  }
  return hosts.size === 0 && (isAbsent(value) || (Array.isArray(value) && value.length === 0))
    ? [everyHost]
    : [...hosts]
}

class RouteReader {
  readonly #field: string
  readonly #complain: Complain

  constructor(field: string, complain: Complain) {
    this.#field = field
    this.#complain = complain
  }

  read(value: unknown, backends: GroupBackends, defaults: readonly Weighted[]): GroupRoute {
    const field = this.#field
    if (!isMapping(value))
      this.#complain(
        field,
        `${field} has the wrong shape: ${shown(value)}.`,
        'Write the route as a mapping.',
      )
    const route = mappingOf(value)
    this.#lookForSlips(route)
    const predicates = [
      ...this.#readPath(route),
      ...this.#readMethods(route.methods),
      ...this.#readEntries(route, 'predicates', 'predicate', parsePredicate),
    ]
    const filters = this.#readEntries(route, 'filters', 'filter', parseFilter)
    const own = readReferences(route.backends, `${field}.backends`, backends, this.#complain)
    const targets = own.length > 0 ? own : defaults
    if (targets.length === 0) {
      this.#complain(
        field,
        'The route has no backend.',
        'Set its backends, or spec.defaultBackends.',
      )
    }
    return { field, predicates, filters, targets }
  }

  /** In a cluster the schema drops fields that it does not know, in manifests nobody does: one may be meant to protect. */
  #lookForSlips(route: Mapping): void {
    for (const key of Object.keys(route)) {
      const meant = fields.includes(key) ? [] : nearNames(key, fields)
      if (meant.length === 0) continue
      const message = `A route has no field ${shown(key)}.`
      this.#complain(`${this.#field}.${key}`, message, `Did you mean ${oneOfNames(meant)}?`)
    }
  }

  #readPath(route: Mapping): readonly FieldCall[] {
    const calls: FieldCall[] = []
    for (const [key, name] of pathKeys) {
      const value = route[key]
      if (isAbsent(value) || value === '') continue
      const field = `${this.#field}.${key}`
      const path = textOf(value)
      const isBegun = key === 'pathRegexp' || path?.startsWith('/') === true
      if (path === undefined || !isBegun) {
        this.#complain(field, `The ${key} ${shown(value)} is no path.`, 'Begin it with /.')
        if (path === undefined) continue
      }
      calls.push({ call: { name, args: [path], at: { line: 1, column: 1 } }, field })
    }
    if (
      !isAbsent(route.path) &&
      !isAbsent(route.pathSubtree) &&
      route.path !== '' &&
      route.pathSubtree !== ''
    ) {
      this.#complain(
        this.#field,
        'The route has both path and pathSubtree.',
        'Keep one of the two.',
      )
    }
    return calls
  }

  #readMethods(value: unknown): readonly FieldCall[] {
    const field = `${this.#field}.methods`
    const methods = new Set<string>()
    for (const [index, method] of listIn(value, field, this.#complain).entries()) {
      const text = textOf(method)
      if (text !== undefined) methods.add(text.toUpperCase())
      else
        this.#complain(
          `${field}[${index}]`,
          `The method ${shown(method)} is none.`,
          'Name a method such as GET.',
        )
    }
    if (methods.size === 0) return []
    return [{ call: { name: 'Methods', args: [...methods], at: { line: 1, column: 1 } }, field }]
  }

  #readEntries(
    route: Mapping,
    key: string,
    what: string,
    parse: typeof parseFilters,
  ): readonly FieldCall[] {
    return listIn(route[key], `${this.#field}.${key}`, this.#complain).flatMap((entry, index) => {
      const field = `${this.#field}.${key}[${index}]`
      if (typeof entry !== 'string') {
        this.#complain(field, `The ${what} ${shown(entry)} is not text.`, 'Quote it.')
        return []
      }
      const result = parse(entry)
      if (!result.ok) {
        this.#complain(
          field,
          `The ${what} ${shown(entry)} cannot be read: ${tellFault(result)}.`,
          `Write it as name(arguments).`,
        )
        return []
      }
      if (result.value.length !== 1 && entry.trim() !== '*') {
        this.#complain(
          field,
          `The entry ${shown(entry)} holds ${result.value.length} ${what}s.`,
          `Write one ${what} for each entry of the list.`,
        )
      }
      return result.value.map((call) => ({ call, field }))
    })
  }
}

/** Many routes have the same entries: what was read of the last ones is kept, unless they are long. */
function remember(parse: typeof parseFilters): typeof parseFilters {
  const known = createBoundedCache<string, ReturnType<typeof parseFilters>>({ max: mostKnown })
  return (text) => {
    if (text.length > mostRemembered) return parse(text)
    const before = known.get(text)
    if (before !== undefined) return before
    const result = parse(text)
    known.set(text, result)
    return result
  }
}

const fields = ['path', 'pathSubtree', 'pathRegexp', 'methods', 'predicates', 'filters', 'backends']

const mostKnown = 4096
/** In characters. */
const mostRemembered = 256
const parseFilter = remember(parseFilters)
const parsePredicate = remember(parsePredicates)

const pathKeys = [
  ['path', 'Path'],
  ['pathSubtree', 'PathSubtree'],
  ['pathRegexp', 'PathRegexp'],
] as const
