// What does a rule's path with wildcards mean, as those write it who come from the controllers of AWS and GCE? There `*` is any text,
// slashes too, and `?` (AWS) one character; in Kubernetes' own words both stand for themselves.

/** Gives the prefix that a path with one wildcard at its end is; undefined when it is not such a path. */
export function asPrefix(path: string): string | undefined {
  if (path === '*') return '/'
  const match = /^((?:\/[^*?]*[^*?/])?)\/\*$/.exec(path)
  return match === null ? undefined : match[1] || '/'
}

/** Says whether a path has what these controllers read as wildcards. */
export function hasWildcards(path: string): boolean {
  return /[*?]/.test(path)
}

/** Writes a path with wildcards as a pattern, which is anchored at its start only. */
export function asPattern(path: string): string {
  const end = path.endsWith('*') ? '' : '$'
  const literal = path.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
  return literal.replaceAll('?', '.').replaceAll('*', '.*') + end
}
