// What stands in a path where the pattern of its route has a wildcard: `:name` for one segment, `*name` for all that is left?
// Skipper's Path and PathSubtree name them so.
import { cleanedPath } from '../path.ts'
import type { RequestView } from './kind.ts'

/** Makes what gives the parameter `name` of requests whose path fits `pattern`; undefined: it has none of that name. */
export function compilePathParameter(
  pattern: string,
  name: string,
): (request: RequestView) => string | undefined {
  const segments = pattern.split('/')
  const one = segments.lastIndexOf(`:${name}`)
  if (one !== -1) {
    return ({ path }) => {
      const segment = cleanedPath(path).split('/')[one]
      return segment === undefined ? undefined : decode(segment)
    }
  }
  const last = segments.length - 1
  const rest = segments[last] ?? ''
  if (rest === `*${name}` || rest === `**${name}`) return restFrom(last)
  // What is below a subtree has this name, if no other.
  if (name !== '*' || rest.startsWith('*')) return () => undefined
  return restFrom(rest === '' ? last : last + 1)
}

/** As Skipper has it, with the slash before it. */
function restFrom(first: number): (request: RequestView) => string {
  return ({ path }) => decode(`/${cleanedPath(path).split('/').slice(first).join('/')}`)
}

/** Escapes decoded once: bytes as latin1. */
function decode(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
