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
  return compileGlobs(
    patterns.flatMap((pattern) => {
      if (pattern.endsWith('/')) return [`${pattern}*`]
      const isPrefix = !pattern.includes('/') && !pattern.includes('*')
      return isPrefix ? [pattern, `${pattern}/*`] : [pattern]
    }),
  )
}

/** Says whether `--ignore-annotations` may name it: a pattern outside of the families that Weir reads. */
export function isIgnorable(pattern: string): boolean {
  const isPattern = /^[A-Za-z0-9*][\w.*/-]*$/.test(pattern)
  return isPattern && readPrefixes.every((prefix) => !`${pattern}/`.startsWith(prefix))
}

/** Makes the test whether a text is what one of the patterns means, in which `*` stands for any text; case does not matter. */
export function compileGlobs(globs: readonly string[]): (text: string) => boolean {
  const forms = globs.map((glob) =>
    glob
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*'),
  )
  const form = new RegExp(`^(?:${forms.join('|')})$`, 'i')
  return forms.length === 0 ? () => false : (text) => form.test(text)
}
