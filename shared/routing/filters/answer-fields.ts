// How are the fields of an answer read that Weir itself asked for?
import type { FieldLines } from './kind.ts'

/** Lists accepted field lines in order: the name in lower case, the value without the white space around it. */
export function* fieldPairs(fields: FieldLines): Generator<[name: string, value: string]> {
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) yield [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  }
}
