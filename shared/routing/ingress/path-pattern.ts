// How is a pattern of a rule written so that it fits requests' paths, which have one spelling when they are matched (../path.ts)?
//
// Invariant: what stands in a pattern as itself is spelled as in a request: `é` and a space as their escapes, `%40` as `@`.
// Everything that is syntax of RE2, and whatever a backslash stands before, stays as it is.
import { decodePlain, spellPath } from '../path.ts'

/** An escaped character, a class, an escape of a path, or characters that a path holds only as escapes. */
const parts =
  /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|(?:%[0-9A-Fa-f]{2})+|(["<>` ]|[\u0080-\u{10ffff}])([*+?{])?/gu
const unspeakable = /["<>` ]|[\u0080-\u{10ffff}]/u
const syntax = /[$()*+.?]/g

/** Spells a pattern; undefined where a class has a character that no path holds as itself. */
export function spellPattern(pattern: string): string | undefined {
  let isUnspeakable = false
  const spelled = pattern.replace(
    parts,
    (part: string, char: string | undefined, repetition: string | undefined) => {
      if (part.startsWith('\\')) return part
      if (part.startsWith('[')) {
        isUnspeakable ||= unspeakable.test(part)
        return part
      }
      if (char === undefined) return spellEscapes(part)
      const escapes = encodeURIComponent(char.toWellFormed())
      // What repeats is the character, not the last byte of it.
      return repetition === undefined ? escapes : `(?:${escapes})${repetition}`
    },
  )
  return isUnspeakable ? undefined : spelled
}

/** Escapes of what a path holds as itself become that, as a pattern for it. */
function spellEscapes(escapes: string): string {
  return decodePlain(spellPath(escapes)).replace(syntax, String.raw`\$&`)
}
