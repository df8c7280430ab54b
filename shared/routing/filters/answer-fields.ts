// How are the fields of an answer read that Weir itself asked for?
import type { FieldLines } from './kind.ts'

type Field = readonly [name: string, value: string]

const none: readonly Field[] = []

/**
 * Lists those of accepted field lines whose lower-case names `names` has, in order: the name in lower case, the value without
 * the white space around it. Of most answers there are none.
 */
export function pickFields(fields: FieldLines, names: ReadonlySet<string>): readonly Field[] {
  let picked: Field[] | undefined
  for (let at = 0; at < fields.length; ) {
    const end = fields.indexOf('\r\n', at)
    const colon = fields.indexOf(':', at)
    const name = fields.slice(at, colon).toLowerCase()
    if (names.has(name)) {
      picked ??= []
      picked.push([name, fields.slice(colon + 1, end).trim()])
    }
    at = end + 2
  }
  return picked ?? none
}
