// When do two routes mean the same requests?
import { isMapping } from './shapes.ts'
import type { Match } from './table.ts'

/** Gives one text for all spellings of a match; a newline is in no host and no path. Conditions have no order. */
export function matchKey({ host, pathType, path, conditions, weight = 0 }: Match): string {
  // Who weighs more goes before who weighs less: they do not mean the same.
  const key = `${host}\n${pathType}\n${path}${weight === 0 ? '' : `\n${weight}`}`
  if (conditions.length === 0) return key
  const texts = conditions.map((condition) => JSON.stringify(condition, sortFields))
  return [key, ...new Set(texts.sort())].join('\n')
}

function sortFields(_field: string, value: unknown): unknown {
  return isMapping(value) ? Object.fromEntries(Object.entries(value).sort()) : value
}
