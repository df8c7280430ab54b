// How is eskip written? The parser reads what is printed here as the same routes.
import type { Arg, Call, EskipBackend, EskipRoute } from './language.ts'
import { parseFilters } from './parse.ts'

/** Writes routes, one below the other, each on a line of its own, or for readers with a line for each filter. */
export function printEskip(routes: readonly EskipRoute[], isPretty = false): string {
  const [only] = routes
  if (routes.length === 1 && only?.id === '') return `${printRoute(only, isPretty)}\n`
  return routes.map((route) => `${route.id}: ${printRoute(route, isPretty)};\n`).join('')
}

/** Writes filters as an annotation has them. */
export function printFilters(filters: readonly Call[]): string {
  return filters.map(printCall).join(' -> ')
}

/** Writes predicates as an annotation has them; none is `*`. */
export function printPredicates(predicates: readonly Call[]): string {
  return predicates.length === 0 ? '*' : predicates.map(printCall).join(' && ')
}

function printRoute({ predicates, filters, backend }: EskipRoute, isPretty: boolean): string {
  const parts = [printPredicates(predicates), ...filters.map(printCall), printBackend(backend)]
  return parts.join(isPretty ? '\n  -> ' : ' -> ')
}

/** Writes a predicate or a filter. */
export function printCall({ name, args }: Call): string {
  return `${name}(${args.map(printArg).join(', ')})`
}

function printArg(arg: Arg): string {
  if (typeof arg === 'number') return printNumber(arg)
  return typeof arg === 'string' ? quoteText(arg) : printRegexp(arg.regexp)
}

/** Not every expression can stand between slashes: behind an odd `[` none would end it. In quotes each can, and means the same. */
function printRegexp(regexp: string): string {
  const escaped = regexp.replace(/\\[^\\/]|[\\/]/g, (part) =>
    part.length === 2 ? part : `\\${part}`,
  )
  const literal = `/${escaped}/`
  const result = parseFilters(`f(${literal})`)
  const [arg] = result.ok ? (result.value[0]?.args ?? []) : []
  return typeof arg === 'object' && arg.regexp === regexp ? literal : quoteText(regexp)
}

/** Writes a backend. */
export function printBackend(backend: EskipBackend): string {
  if (backend.kind === 'network') return quoteText(backend.address)
  if (backend.kind !== 'lb') return `<${backend.kind}>`
  const endpoints = backend.endpoints.map(quoteText)
  const { algorithm } = backend
  return `<${(algorithm === undefined ? endpoints : [algorithm, ...endpoints]).join(', ')}>`
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** Writes a text between double quotes. */
export function quoteText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that eskip has letters for.
  return `"${text.replace(/["\\\u0007\b\f\n\r\t\v]/g, (char) => escapes[char] ?? char)}"`
}

/** eskip knows no exponents. */
function printNumber(number: number): string {
  const text = String(number)
  const [mantissa = '', exponent] = text.split('e')
  if (exponent === undefined) return text
  const sign = mantissa.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.')
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return sign + digits.padEnd(point, '0')
}
