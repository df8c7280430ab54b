// What does the target of a request say (path and query, latin1), and how is a changed one written?
//
// Invariant: what is written begins with one `/`, holds visible ASCII only, no `#`, and no dot segment for any reader.
import { latin1Of, textOfLatin1 } from '../../latin1-text.ts'
import { bounded } from './bounded-text.ts'
import { repairPath } from './rewrite.ts'

/** The query of a target, without its `?`. */
export function queryOfTarget(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? '' : target.slice(mark + 1)
}

/** The path of a target, as it stands there. */
export function pathOfTarget(target: string): string {
  const mark = target.indexOf('?')
  return mark === -1 ? target : target.slice(0, mark)
}

/** The path of a target with its escapes decoded once: bytes as latin1. */
export function decodedTarget(target: string): string {
  return decodeBytes(pathOfTarget(target))
}

function decodeBytes(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/**
 * The path of a target as text for patterns: decoded, but for escapes of `%`, of separators and of what could end a path, so that
 * a rewrite never makes two segments of one.
 */
export function readablePath(target: string): string {
  const path = pathOfTarget(target)
  if (!path.includes('%')) return path
  return textOfLatin1(
    path.replace(/%(?!2[35F]|3F|5C|[01]|7F)([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  )
}

/** Writes a path (text, in which `%XX` may stand for a byte) with the query of a target behind it. */
export function withPath(target: string, path: string): string {
  const mark = target.indexOf('?')
  return writePath(bounded(path)) + (mark === -1 ? '' : target.slice(mark))
}

/** Writes a path: what no path may hold is escaped (RFC 3986 §3.3), and it is repaired as a rewritten one. */
export function writePath(path: string): string {
  const escaped = latin1Of(path).replace(
    /%(?![0-9A-Fa-f]{2})|[^!$&-;=@-Z_a-z~%]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
  return repairPath(escaped)
}

/** Writes a query (without `?`; empty: none) behind the path of a target. */
export function withQuery(target: string, query: string): string {
  const path = pathOfTarget(target)
  return query === '' ? path : `${path}?${bounded(query)}`
}
