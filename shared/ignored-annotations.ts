// Which annotations of other controllers does the operator not want to hear of? The patterns of `--ignore-annotations`.

/** Says whether a key is one of these. */
export type IsIgnored = (key: string) => boolean

/** The families that Weir reads: their keys are never ignored. */
export const readPrefixes: readonly string[] = [
  'weir.dev/',
  'nginx.ingress.kubernetes.io/',
  'zalando.org/',
]

/**
 * Reads `--ignore-annotations`: keys (`konghq.com/plugins`), prefixes (`konghq.com/`, `konghq.com`), and either with `*` for any
 * text; `*` alone is every key of every other controller. Keys that Weir reads are never ignored.
 */
export function ignoring(patterns: readonly string[]): IsIgnored {
  const globs = patterns.flatMap((pattern) => {
    if (pattern.endsWith('/')) return [`${pattern}*`]
    const isPrefix = !pattern.includes('/') && !pattern.includes('*')
    return isPrefix ? [pattern, `${pattern}/*`] : [pattern]
  })
  return (key) => globs.some((glob) => matchesGlob(key, glob))
}

/** Says whether `--ignore-annotations` may name it: a pattern outside of the families that Weir reads. */
export function isIgnorable(pattern: string): boolean {
  const isPattern = /^[A-Za-z0-9*][\w.*/-]*$/.test(pattern)
  return isPattern && readPrefixes.every((prefix) => !`${pattern}/`.startsWith(prefix))
}

/** Says whether a text is what a pattern means, in which `*` stands for any text; case does not matter. */
export function matchesGlob(text: string, glob: string): boolean {
  if (!glob.includes('*')) return text.toLowerCase() === glob.toLowerCase()
  const parts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(text)
}
