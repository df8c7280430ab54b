// Does each import of a tree keep to the arrows of rooms.ts, and who reads the environment? Pure: texts in, breaches out.
//
// Imports are found in the text: the formatter keeps each at the start of a line, with single quotes. Strings that look like
// one are judged as well, which is the safe side.
import { posix } from 'node:path'
import { owners, rooms } from './rooms.ts'

/** Paths from the root of the repository, with `/`, and what the files hold. */
export type Tree = ReadonlyMap<string, string>

interface Import {
  /** A path from the root for a relative one, else the name of a package. */
  readonly to: string
  readonly relative: boolean
  readonly typesOnly: boolean
}

/** Files of tests and what serves only them: they may import everything, and nothing else imports them. */
export function isTest(path: string): boolean {
  return /\.test\.ts$|^test\/|\/(?:test|testing)\//.test(path)
}

/** Names the room of a file: the one with the longest path that holds it. */
export function roomOf(path: string): string | undefined {
  let found: string | undefined
  let longest = -1
  for (const [name, { paths }] of Object.entries(rooms)) {
    for (const place of paths) {
      if (place.length > longest && isWithin(path, place)) {
        found = name
        longest = place.length
      }
    }
  }
  return found
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

/** Says what is wrong with the imports of a tree, one line for each breach and each circle. */
export function findBreaches(tree: Tree): string[] {
  const breaches: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, text] of tree) {
    const imports = findImports(path, text)
    graph.set(
      path,
      imports.filter(({ relative }) => relative).map(({ to }) => to),
    )
    if (isTest(path)) continue
    if (readsEnvironment(path, text)) {
      breaches.push(`${path}: reads the environment: only main.ts and worker.ts may`)
    }
    for (const each of imports) {
      const fault = judge(path, each)
      if (fault !== undefined) breaches.push(`${path}: imports ${each.to}: ${fault}`)
    }
  }
  for (const circle of findCircles(graph)) breaches.push(`circle: ${circle.join(' → ')}`)
  return breaches
}

const statement =
  /^(?:import|export)\b(\s+type\b)?(?:(?:(?!\n(?:im|ex)port\b)[^'"`;])*?\bfrom)?\s*'([^']+)'/gm
const call = /\b(?:import|require)\(\s*(?:'([^']+)')?/g

function findImports(path: string, text: string): Import[] {
  const found = [...text.matchAll(statement)].map(([, type, to = '']) => ({
    to,
    typesOnly: type !== undefined,
  }))
  // A computed name could be anything: it is judged as a package that nobody owns.
  for (const [, to = '(a computed name)'] of text.matchAll(call))
    found.push({ to, typesOnly: false })
  return found.map(({ to, typesOnly }) => {
    const relative = to.startsWith('.')
    return {
      to: relative ? posix.join(posix.dirname(path), to) : to,
      relative,
      typesOnly,
    }
  })
}

function judge(path: string, { to, relative, typesOnly }: Import): string | undefined {
  if (!relative) return judgePackage(path, to)
  if (isTest(to)) return roomUses(path) === 'all' ? undefined : 'only tests import tests'
  if (!to.endsWith('.ts')) return undefined
  const from = roomOf(path)
  const room = from === undefined ? undefined : rooms[from]
  if (from === undefined || room === undefined)
    return `${path} is in no room of test/borders/rooms.ts`
  const target = roomOf(to)
  if (target === undefined) return `${to} is in no room of test/borders/rooms.ts`
  if (target === from || room.uses === 'all' || room.uses.includes(target)) return undefined
  const types = room.types ?? []
  if (types.includes(target)) {
    return typesOnly ? undefined : `${from} may import types of ${target} only`
  }
  return `${from} may import ${room.uses.join(', ') || 'nothing'}${
    types.length > 0 ? ` (and types of ${types.join(', ')})` : ''
  }, not ${target}`
}

function roomUses(path: string): readonly string[] | 'all' | undefined {
  const name = roomOf(path)
  return name === undefined ? undefined : rooms[name]?.uses
}

function judgePackage(path: string, to: string): string | undefined {
  const [, name = to] = /^((?:@[^/]+\/)?[^/]+)/.exec(to) ?? []
  const places = Object.hasOwn(owners, name) ? owners[name] : undefined
  if (places === undefined) {
    return name.startsWith('node:') ? undefined : 'it has no owner in test/borders/rooms.ts'
  }
  if (places.some((place) => isWithin(path, place))) return undefined
  return places.length === 0 ? 'nobody may' : `only ${places.join(', ')} may: use what it exports`
}

/** `process` handed on as a whole counts, as `process.env` would be read where it arrives. */
function readsEnvironment(path: string, text: string): boolean {
  if (/^bench\/|\/(?:main|worker)\.ts$/.test(path)) return false
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  return /(?<![\w.'`-])process(?:\??\.env\b|\[|\s*(?:[,)]|$))/m.test(code)
}

/** Finds one circle for each set of files that reach each other; types count, as a reader has to follow them too. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (path: string) => {
    const start = trail.indexOf(path)
    if (start >= 0) circles.push([...trail.slice(start), path])
    if (start >= 0 || done.has(path)) return
    trail.push(path)
    for (const next of graph.get(path) ?? []) visit(next)
    trail.pop()
    done.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return circles
}
