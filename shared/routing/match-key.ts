// When do two routes mean the same requests?
import type { Condition } from './conditions/condition.ts'
import { isMapping } from './shapes.ts'
import type { Match } from './table.ts'

/** Gives one text for all spellings of a match; a newline is in no host and no path. Conditions have no order. */
export function matchKey({ host, pathType, path, conditions, weight = 0 }: Match): string {
  // Who weighs more goes before who weighs less: they do not mean the same.
  const key = `${host}\n${pathType}\n${path}${weight === 0 ? '' : `\n${weight}`}`
  if (conditions.length === 0) return key
  const texts = conditions.map(textOfCondition)
  return texts.length === 1 ? `${key}\n${texts[0]}` : [key, ...new Set(texts.sort())].join('\n')
}

/** By object: the conditions of a route are compared each time that its host is settled. */
const known = new WeakMap<Condition, string>()

function textOfCondition(condition: Condition): string {
  let text = known.get(condition)
  if (text === undefined) {
    text = canonical(condition)
    known.set(condition, text)
  }
  return text
}

/** JSON with its fields in order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isMapping(value)) return JSON.stringify(value) ?? 'null'
  const fields = Object.keys(value).sort()
  return `{${fields.map((field) => `${JSON.stringify(field)}:${canonical(value[field])}`).join()}}`
}
