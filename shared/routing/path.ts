// Which path is matched and sent upstream? One normalisation; its result is the only path that anything after it sees.
// Invariant: nothing is decoded, no slash is merged; only dot segments that every reader understands alike are resolved.
// Invariant: the result holds no dot segment in any reading of it (percent-decoded once or twice, overlong UTF-8, `\` as `/`,
// parameters cut as Tomcat does, NUL as the end), so an upstream never finds itself outside the rule that was matched.

/** Anything but the ordinary bytes of a path without dots (RFC 3986 §3.3, and what browsers send besides). */
const unordinary = /[^!"$&-\-/-:<->@-[\]-~]/
/** Controls, space, `#`, `?`, `\`, or a percent sign without two hex digits. */
const refused = /[^!-~\x80-\xff]|[#?\\]|%(?![0-9A-Fa-f]{2})/
/** Something that may be a dot segment for some reader: dots up to a separator, or a separator or dot in disguise. */
const mayHoldDots = /\/\.\.?(?:[/;%]|$)|%(?:2[5EeFf]|5[Cc]|[CcEeFf][01])|[\xc0\xc1\xe0\xf0]/
const dot = /^(?:\.|%2e)$/i
const twoDots = /^(?:\.|%2e){2}$/i
const escapedByte = /%([0-9A-Fa-f]{2})/g
const overlongDotOrSlash = /(?:\xc0|\xe0\x80|\xf0\x80\x80)([\xae\xaf])/g
const overlongBackslash = /(?:\xc1|\xe0\x81|\xf0\x80\x81)\x9c/g
/** A dot segment that ends where some reader ends a segment: separator, parameter, query, fragment, control or space. */
const hiddenDots = /[/\\]\.{1,2}(?:[^!-~\x80-\xff]|[/\\;?#]|$)/
const separator = /[/\\;]/

/**
 * Normalises the path of an origin-form target (latin1, without query): undefined means that it is refused with 400.
 * Ordinary paths come back as they are after one regular expression (bench/micro/path.bench.ts).
 */
export function normalisePath(path: string): string | undefined {
  if (path.charCodeAt(0) === 0x2f && !unordinary.test(path)) return path
  if (path[0] !== '/' || refused.test(path)) return undefined
  if (!mayHoldDots.test(path)) return path
  const resolved = resolveDots(path)
  return resolved === undefined || hiddenDots.test(readAs(resolved)) ? undefined : resolved
}

/** Removes dot segments (RFC 3986 §5.2.4); undefined where readers differ about what `..` removes, or above the root. */
function resolveDots(path: string): string | undefined {
  const kept: string[] = []
  const segments = path.split('/')
  const last = segments.length - 1
  for (let index = 0; index <= last; index += 1) {
    const segment = segments[index] ?? ''
    const up = twoDots.test(segment)
    if (!up && !dot.test(segment)) {
      kept.push(segment)
      continue
    }
    // An empty segment vanishes for readers that merge slashes; an encoded slash makes two segments for some.
    const removed = up ? kept.pop() : undefined
    if (up && (removed === undefined || removed === '' || separator.test(readAs(removed)))) {
      return undefined
    }
    if (index === last) kept.push('')
  }
  return kept.join('/')
}

/** Shows a path as the most lenient upstream may read it. */
function readAs(path: string): string {
  return path.includes('%') ? decode(decode(path)) : decode(path)
}

function decode(path: string): string {
  return path
    .replace(escapedByte, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(overlongDotOrSlash, (_, end: string) => (end === '\xae' ? '.' : '/'))
    .replace(overlongBackslash, '\\')
}
