// Can a pattern match one host only? Then it is a name, and the host map finds it.

// As Skipper writes the hosts of Ingresses: dots in brackets, perhaps a last dot and a port, all anchored.
const anchored = /^\^\(?((?:[a-z0-9-]|\[\.\]|\\\.)+?)(?:\[\.\]\?)?(?:\(:\[0-9\]\+\)\?)?\)?\$$/

/** Gives the name of the one host that a pattern matches; undefined when there may be others. */
export function literalHost(pattern: string): string | undefined {
  const found = anchored.exec(pattern)?.[1]
  if (found === undefined || isUneven(pattern)) return undefined
  return found.replace(/\[\.\]|\\\./g, '.')
}

function isUneven(pattern: string): boolean {
  return pattern.startsWith('^(') !== pattern.endsWith(')$')
}

/** Writes a pattern that matches these hosts only. */
export function patternOf(hosts: readonly string[]): string {
  return `^(?:${hosts.map((host) => host.replace(/[.[\]]/g, '\\$&')).join('|')})$`
}
