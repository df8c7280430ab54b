// Which path is matched and sent upstream? One normalisation; its result is the only path that anything after it sees.
// And how else may an application read it? A rule that one of these readings would belong to must not be walked past.
//
// Invariant: spellings that RFC 3986 §6.2.2 calls equivalent give one result: escapes of unreserved characters are decoded,
// all others have upper-case digits, and what a path may not hold as it is (bytes of 0x80 and above, `|`, `"` …) is escaped.
// Invariant: no other escape is decoded and no slash is merged in what goes upstream: some applications need `//` and `%2F`.
// Invariant: the result holds no dot segment in any reading of it (percent-decoded once or twice, overlong UTF-8, `\` as `/`,
// parameters cut as Tomcat does, NUL as the end), so an upstream never finds itself outside the rule that was matched.
// Invariant: no parameter hides a separator (`;a%2Fb`), so that all who cut parameters agree about where they end.

/** A path that applications may read otherwise than it stands there, spelled as the paths of rules are. */
export interface Readings {
  /** By RFC 3986: escapes of characters that a path may hold anyway are decoded (`%40` is `@`), `%2F` stays. */
  readonly matched: string
  /**
   * By the most lenient application: decoded twice, ended at NUL, `?` or `#`, `\` a slash, parameters cut, slashes merged.
   * Whatever other mixture of these steps an application takes, the rest of them would lead it here.
   */
  readonly lenient: string
}

// In the order that costs least (bench/micro/path.bench.ts): the ordinary bytes of a path, with no segment that is empty or
// begins with a dot.
const unordinary = /\/[./]|[^!$&-:=@-Z_a-z~]/
/** Controls, space, `#`, `?`, `\`, or a percent sign without two hex digits. */
const refused = /[^!-~\x80-\xff]|[#?\\]|%(?![0-9A-Fa-f]{2})/
/** A raw byte that is no pchar (RFC 3986 §3.3), an escape in lower case, or one of an unreserved character. */
const otherwiseSpelled =
  /[^!$%&-;=@-Z_a-z~]|%(?:[0-9A-F]?[a-f]|2[DE]|3\d|[46][1-9A-F]|[57][0-9A]|5F|7E)/
const spelledByte = /%([0-9A-Fa-f]{2})|[^!$%&-;=@-Z_a-z~]/g
/** What may be a dot segment for some reader: dots up to a separator, or a separator in disguise. */
const doubtful = /\/\.\.?(?:[/;%]|$)|%(?:00|2[35F]|3F|5C|[CEF][01]|F[8C])/
/** A dot segment that ends where some reader ends a segment: separator, parameter, query, fragment, control or space. */
const hiddenDots = /[/\\]\.{1,2}(?:[^!-~\x80-\xff]|[/\\;?#]|$)/
const separator = /[/\\;]/
const pathEnd = /[\0?#]/
const unclearParameter = /;.*[/\\\0?#]/s
/** What readers differ about: empty segments, parameters, and escapes of what means something in a path or before it. */
const readInManyWays = /\/\/|;|%(?:00|2[13-9A-CF]|3[ABDF]|40|5C|C[01]|E0%8[01]|F0%80|F8%80|FC%80)/
const plainEscape = /%(2[146-9A-C]|3[ABD]|40)/g

const unsafeInQuery = /[^!"$-~]/
const refusedInQuery = /[^!"$-~\x80-\xff]/

const unreserved = /[A-Za-z0-9\-._~]/
const spelling = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return unreserved.test(char) ? char : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`
})

/** Tells in one test whether a path (latin1) is its own normal form and is read alike by everybody, as nearly all are. */
export function isOrdinaryPath(path: string): boolean {
  return path.charCodeAt(0) === 0x2f && !unordinary.test(path)
}

/**
 * Normalises the path of an origin-form target (latin1, without query): undefined means that it is refused with 400.
 * Ordinary paths come back as they are after one regular expression.
 */
export function normalisePath(path: string): string | undefined {
  if (isOrdinaryPath(path)) return path
  if (path[0] !== '/' || refused.test(path)) return undefined
  const spelled = spellPath(path)
  if (!doubtful.test(spelled)) return spelled
  const resolved = resolveDots(spelled)
  if (resolved === undefined) return undefined
  const decoded = decodeTwice(resolved)
  if (hiddenDots.test(decoded)) return undefined
  return decoded.includes(';') && hasUnclearParameter(resolved) ? undefined : resolved
}

/** Says whether readers may differ about where a parameter ends. */
function hasUnclearParameter(path: string): boolean {
  return path.split('/').some((segment) => unclearParameter.test(decodeTwice(segment)))
}

/** Brings escapes, and bytes that should be escapes, into the one spelling of the invariant (RFC 3986 §2.1, §2.3, §6.2.2). */
export function spellPath(path: string): string {
  if (!otherwiseSpelled.test(path)) return path
  return path.replace(
    spelledByte,
    (raw: string, hex: string | undefined) =>
      spelling[hex === undefined ? raw.charCodeAt(0) : Number.parseInt(hex, 16)] ?? raw,
  )
}

/**
 * Brings the query of a target (latin1, with its `?`) into a form that every URI parser takes: bytes of 0x80 and above become
 * escapes, everything else stays as it came. Undefined means that it is refused with 400: controls, space or `#`.
 */
export function spellQuery(query: string): string | undefined {
  if (!unsafeInQuery.test(query)) return query
  if (refusedInQuery.test(query)) return undefined
  return query.replace(/[\x80-\xff]/g, (raw) => spelling[raw.charCodeAt(0)] ?? raw)
}

/** Decodes escapes of the reserved characters that a segment may hold as they are; those of separators stay. */
export function decodePlain(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(plainEscape, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Gives a normalised path as nginx compares it with its locations: escapes are bytes, slashes are merged. */
export function readAsNginx(path: string): string {
  if (isOrdinaryPath(path)) return path
  return path
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(/\/{2,}/g, '/')
}

/**
 * Gives a normalised path as Skipper compares it with its routes: every escape is decoded once, that of a slash, too, and
 * slashes are merged. Spelled as the paths of routes are.
 */
export function cleanedPath(path: string): string {
  if (isOrdinaryPath(path)) return path
  return readAsNginx(path).replace(
    /[^!$&-;=@-Z_a-z~]/g,
    (raw) => spelling[raw.charCodeAt(0)] ?? raw,
  )
}

/** Gives a normalised path as patterns of users see it: escapes are decoded as UTF-8, slashes are merged. */
export function decodedPath(path: string): string {
  if (isOrdinaryPath(path)) return path
  return Buffer.from(readAsNginx(path), 'latin1').toString('utf8')
}

/** Tells whether a path has a dot segment for some reader, whether it is spelled as above or not. */
export function holdsDotSegment(path: string): boolean {
  return /\/\.|%/.test(path) && hiddenDots.test(decodeTwice(path))
}

/** Gives the readings of a normalised path; undefined when everybody reads it as it stands. */
export function readingsOf(path: string): Readings | undefined {
  if (!readInManyWays.test(path)) return undefined
  const matched = decodePlain(path)
  return { matched, lenient: readLeniently(decodeTwice(path)) }
}

function readLeniently(decoded: string): string {
  const end = decoded.search(pathEnd)
  const path = (end === -1 ? decoded : decoded.slice(0, end))
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
  return path.replace(/[^!$&-;=@-Z_a-z~]/g, (raw) => spelling[raw.charCodeAt(0)] ?? raw)
}

/** Removes dot segments (RFC 3986 §5.2.4); undefined where readers differ about what `..` removes, or above the root. */
function resolveDots(path: string): string | undefined {
  const kept: string[] = []
  const segments = path.split('/')
  const last = segments.length - 1
  for (const [index, segment] of segments.entries()) {
    if (segment !== '.' && segment !== '..') {
      kept.push(segment)
      continue
    }
    // An empty segment vanishes for readers that merge slashes; an encoded slash makes two segments for some.
    const removed = segment === '..' ? kept.pop() : undefined
    if (
      segment === '..' &&
      (removed === undefined || removed === '' || separator.test(decodeTwice(removed)))
    ) {
      return undefined
    }
    if (index === last) kept.push('')
  }
  return kept.join('/')
}

/** Decodes as the most lenient upstream does. */
function decodeTwice(path: string): string {
  return path.includes('%') ? decode(decode(path)) : path
}

/** Decodes escapes, then ASCII characters in overlong UTF-8 (RFC 3629 §3 forbids it, some decoders take it). */
function decode(path: string): string {
  return path
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(
      /(?:\xc0|\xe0\x80|\xf0\x80\x80|\xf8\x80\x80\x80|\xfc\x80\x80\x80\x80)([\x80-\xbf])/g,
      (_, end: string) => String.fromCharCode(end.charCodeAt(0) & 0x3f),
    )
    .replace(
      /(?:\xc1|\xe0\x81|\xf0\x80\x81|\xf8\x80\x80\x81|\xfc\x80\x80\x80\x81)([\x80-\xbf])/g,
      (_, end: string) => String.fromCharCode(0x40 | (end.charCodeAt(0) & 0x3f)),
    )
}
