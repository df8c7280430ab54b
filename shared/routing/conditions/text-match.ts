// How is a text of a request compared with what a condition asks for?
//
// Invariant: conditions are Unicode, fields are bytes (latin1, one char a byte): bytes are compared as UTF-8.
import { compileSearch } from '../pattern.ts'
import type { TextMatch } from './condition.ts'

/** Says whether a text, undefined when it is absent, is the one that is asked for. */
export type TextQuestion = (text: string | undefined) => boolean

/** Says what is wrong with it, as the end of the sentence "The condition …". */
export function faultOfText(match: TextMatch): string | undefined {
  if (match.kind !== 'regex') return undefined
  const result = compileSearch(match.pattern)
  return result.ok
    ? undefined
    : `cannot be used, since '${match.pattern}' is no RE2 pattern: ${result.reason}`
}

/** Compares texts of characters. Must not be called for a match with a fault. */
export function compileText(match: TextMatch): TextQuestion {
  switch (match.kind) {
    case 'present':
      return (text) => text !== undefined
    case 'exact':
      return (text) => text === match.text
    case 'regex': {
      const search = searchOf(match.pattern)
      return (text) => text !== undefined && search(text)
    }
  }
}

const beyondAscii = /[\u0080-\u00ff]/

/** Compares texts of bytes, such as a header's value. Must not be called for a match with a fault. */
export function compileBytes(match: TextMatch): TextQuestion {
  switch (match.kind) {
    case 'present':
      return (bytes) => bytes !== undefined
    case 'exact': {
      const wanted = Buffer.from(match.text, 'utf8').toString('latin1')
      return (bytes) => bytes === wanted
    }
    case 'regex': {
      const search = searchOf(match.pattern)
      return (bytes) => bytes !== undefined && search(fromBytes(bytes))
    }
  }
}

/** Reads bytes as UTF-8; what is none becomes U+FFFD. */
export function fromBytes(bytes: string): string {
  return beyondAscii.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
}

function searchOf(pattern: string): (text: string) => boolean {
  const result = compileSearch(pattern)
  if (!result.ok) throw new RangeError(result.reason)
  return result.search
}
