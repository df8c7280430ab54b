// When do two routes mean the same requests?
import { isMapping } from './shapes.ts'
import type { Match } from './table.ts'

/** Gives one text for all spellings of a match; a newline is in no host and no path. Conditions have no order. */
export function matchKey({ host, pathType, path, conditions }: Match): string {
  const key = `${host}\n${pathType}\n${path}`
  if (conditions.length === 0) return key
  const texts = conditions.map((condition) => JSON.stringify(condition, sortFields))
  return [key, ...new Set(texts.sort())].join('\n')
}

function sortFields(_field: string, value: unknown): unknown {
  return isMapping(value) ? Object.fromEntries(Object.entries(value).sort()) : value
}
