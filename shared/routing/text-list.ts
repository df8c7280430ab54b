// Is a text one of a list, as lists in nginx's `map` are written? Whole texts, or patterns: `~` with case, `~*` without.
import { compileSearch, type Search } from './pattern.ts'

/** Says why a text is no entry of such a list, as the end of a sentence; undefined when it is one. */
export function faultOfEntry(entry: string): string | undefined {
  const result = searchOf(entry)
  return result === undefined || result.ok ? undefined : result.reason
}

/** Makes the question whether a text is one of a list; whole texts are compared without case. */
export function compileTexts(entries: readonly string[]): Search {
  const texts = new Set<string>()
  const searches: Search[] = []
  for (const entry of entries) {
    const result = searchOf(entry)
    if (result === undefined) texts.add(entry.toLowerCase())
    else if (result.ok) searches.push(result.search)
  }
  return (text) => texts.has(text.toLowerCase()) || searches.some((search) => search(text))
}

function searchOf(entry: string): ReturnType<typeof compileSearch> | undefined {
  if (entry.startsWith('~*')) return compileSearch(`(?i)${entry.slice(2)}`)
  return entry.startsWith('~') ? compileSearch(entry.slice(1)) : undefined
}
