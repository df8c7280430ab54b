// How are values of the ConfigMap read that annotations do not have?
import { faultOfEntry } from '../../text-list.ts'
import {
  accept,
  type Parsed,
  type Parser,
  parseCidrs,
  refuse,
  splitList,
} from '../annotations/values.ts'

/** Makes a parser that takes an empty text, or one of separators only, for `absent`. */
export function orEmpty<T>(parse: Parser<T>, absent: T): Parser<T> {
  return (text): Parsed<T> => (splitList(text).length === 0 ? accept(absent) : parse(text))
}

/** Parses CIDRs and addresses; none is an empty list. */
export const optionalCidrs: Parser<readonly string[]> = orEmpty(parseCidrs, [])

/** Parses words separated by commas; none is an empty list. */
export const parseWords: Parser<readonly string[]> = (text) =>
  accept(
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  )

/** Parses lists of texts, and of patterns behind `~` or `~*`. */
export const parseBlocks: Parser<readonly string[]> = (text) => {
  const words = parseWords(text)
  const fault = words.ok ? words.value.map(faultOfEntry).find((found) => found !== undefined) : ''
  return fault === undefined ? words : refuse(`has a pattern that cannot be used: ${fault}`)
}
