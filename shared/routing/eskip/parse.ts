// What does a text of eskip say? Routes, or only a chain of predicates or filters as annotations have it.
//
//   document   = [ route ] | { ";" } [ definition { ";" [ definition ] } ]
//   definition = name ":" route
//   route      = predicates "->" [ filters "->" ] backend
//   predicates = ( "*" | call ) { "&&" ( "*" | call ) }        filters = call { "->" call }
//   call       = name "(" [ arg { "," arg } ] ")"               arg = number | text | regexp
//   backend    = text | "<shunt>" | … | "<" [ name "," ] text { "," text } ">"
//
// Invariant: never throws; a text that does not fit gives the first place where it does not, in linear time.
import type { Arg, Call, EskipBackend, EskipResult, EskipRoute, LbBackend } from './language.ts'
import { EskipError, Lexer, type TokenKind } from './lexer.ts'

/** The longest text that is read, in UTF-16 units: as much as an object of Kubernetes can hold. */
export const maxEskipLength = 1024 * 1024

/** Reads routes: of a file, or of the annotation `zalando.org/skipper-routes`. */
export function parseEskip(text: string): EskipResult<readonly EskipRoute[]> {
  return parseAll(text, readDocument)
}

/** Reads filters with arrows between them; a text without any is none. */
export function parseFilters(text: string): EskipResult<readonly Call[]> {
  return parseAll(text, (lexer) => (lexer.kind === 'end' ? [] : readFilters(lexer)))
}

/** Reads predicates with `&&` between them; a text without any is none, and so is `*`. */
export function parsePredicates(text: string): EskipResult<readonly Call[]> {
  return parseAll(text, (lexer) => (lexer.kind === 'end' ? [] : readPredicates(lexer)))
}

function parseAll<T>(text: string, read: (lexer: Lexer) => T): EskipResult<T> {
  if (text.length > maxEskipLength) {
    const expected = `at most ${maxEskipLength} characters`
    return { ok: false, line: 1, column: 1, expected, found: `${text.length}` }
  }
  try {
    const lexer = new Lexer(text)
    const value = read(lexer)
    if (lexer.kind !== 'end') lexer.fail('the end')
    return { ok: true, value }
  } catch (error) {
    if (error instanceof EskipError) return error.fault
    throw error
  }
}

function readDocument(lexer: Lexer): readonly EskipRoute[] {
  const routes: EskipRoute[] = []
  while (lexer.kind !== 'end') {
    if (lexer.kind === ';') {
      lexer.next()
      continue
    }
    const { at } = lexer
    // Only behind the name is known whether it is that of a route or of a predicate.
    const name = lexer.kind === 'name' ? lexer.value : undefined
    if (name !== undefined) lexer.next()
    if (name === undefined || lexer.kind === '(') {
      if (routes.length > 0) lexer.fail('the name of a route and ":"')
      const first = name === undefined ? undefined : readCall(lexer, name, at)
      return [{ id: '', ...readRoute(lexer, first), at }]
    }
    expect(lexer, ':', '":" or "("')
    routes.push({ id: name, ...readRoute(lexer), at })
    if (!isAt(lexer, ';') && !isAt(lexer, 'end')) lexer.fail('";" or the end')
  }
  return routes
}

function readRoute(
  lexer: Lexer,
  first?: Call,
): Pick<EskipRoute, 'predicates' | 'filters' | 'backend'> {
  const predicates = readPredicates(lexer, first)
  const filters: Call[] = []
  expect(lexer, '->', '"&&" or "->"')
  while (lexer.kind === 'name') {
    filters.push(readNamed(lexer))
    expect(lexer, '->', '"->"')
  }
  return { predicates, filters, backend: readBackend(lexer) }
}

function readPredicates(lexer: Lexer, first?: Call): readonly Call[] {
  const predicates: Call[] = []
  if (first !== undefined) predicates.push(first)
  else readPredicate(lexer, predicates)
  while (lexer.kind === '&&') {
    lexer.next()
    readPredicate(lexer, predicates)
  }
  return predicates
}

/** `*` holds of every request, and leaves nothing behind. */
function readPredicate(lexer: Lexer, predicates: Call[]): void {
  if (lexer.kind === '*') lexer.next()
  else if (lexer.kind === 'name') predicates.push(readNamed(lexer))
  else lexer.fail('a predicate or "*"')
}

function readFilters(lexer: Lexer): readonly Call[] {
  const filters: Call[] = []
  for (;;) {
    if (lexer.kind !== 'name') lexer.fail('a filter')
    filters.push(readNamed(lexer))
    if (!isAt(lexer, '->')) return filters
    lexer.next()
  }
}

function readNamed(lexer: Lexer): Call {
  const { value: name, at } = lexer
  lexer.next()
  return readCall(lexer, name, at)
}

/** The name is read already. */
function readCall(lexer: Lexer, name: string, at: Call['at']): Call {
  expect(lexer, '(', '"("')
  const args: Arg[] = []
  if (lexer.kind !== ')') {
    args.push(readArg(lexer))
    while (lexer.kind === ',') {
      lexer.next()
      args.push(readArg(lexer))
    }
  }
  expect(lexer, ')', args.length === 0 ? 'an argument or ")"' : '"," or ")"')
  return { name, args, at }
}

function readArg(lexer: Lexer): Arg {
  const arg = argAt(lexer)
  lexer.next()
  return arg
}

function argAt(lexer: Lexer): Arg {
  if (lexer.kind === 'text') return lexer.value
  if (lexer.kind === 'number') return lexer.number
  if (lexer.kind === 'regexp') return { regexp: lexer.value }
  return lexer.fail('an argument: a text in quotes, a number or a /regular expression/')
}

function readBackend(lexer: Lexer): EskipBackend {
  const { at, value } = lexer
  if (lexer.kind === '<') return readList(lexer)
  const named = namedBackends.get(lexer.kind)
  if (named === undefined && lexer.kind !== 'text') lexer.fail('a filter or a backend')
  lexer.next()
  return named === undefined ? { kind: 'network', address: value, at } : { kind: named, at }
}

const namedBackends: ReadonlyMap<TokenKind, 'shunt' | 'loopback' | 'dynamic' | 'forward'> = new Map(
  [
    ['<shunt>', 'shunt'],
    ['<loopback>', 'loopback'],
    ['<dynamic>', 'dynamic'],
    ['<forward>', 'forward'],
  ],
)

function readList(lexer: Lexer): LbBackend {
  const { at } = lexer
  lexer.next()
  let algorithm: string | undefined
  if (lexer.kind === 'name') {
    algorithm = lexer.value
    lexer.next()
    expect(lexer, ',', '"," and the address of an endpoint')
  }
  const endpoints = [readEndpoint(lexer)]
  while (lexer.kind === ',') {
    lexer.next()
    endpoints.push(readEndpoint(lexer))
  }
  expect(lexer, '>', '"," or ">"')
  return { kind: 'lb', ...(algorithm === undefined ? {} : { algorithm }), endpoints, at }
}

function readEndpoint(lexer: Lexer): string {
  if (lexer.kind !== 'text') lexer.fail('the address of an endpoint in quotes')
  const { value } = lexer
  lexer.next()
  return value
}

/** Asks anew: the compiler takes the kind of a lexer for one that stays. */
function isAt(lexer: Lexer, kind: TokenKind): boolean {
  return lexer.kind === kind
}

function expect(lexer: Lexer, kind: TokenKind, expected: string): void {
  if (lexer.kind !== kind) lexer.fail(expected)
  lexer.next()
}
