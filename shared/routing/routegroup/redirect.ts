// Are clients of a RouteGroup that came by http sent to https? Its annotations say so, else the option of the proxy.
import type { RedirectFilter, RedirectStatus } from '../filters/redirect.ts'
import { isAbsent, mappingOf, type Report, shown } from '../shapes.ts'

const prefix = 'zalando.org/skipper-ingress-redirect'
const statuses: ReadonlyMap<unknown, RedirectStatus> = new Map(
  ([301, 302, 303, 307, 308] as const).map((status) => [`${status}`, status]),
)

/** Gives the filter that sends them, before all others; undefined: they are served. What cannot be read is reported. */
export function readRedirect(
  annotations: unknown,
  isDefault: boolean,
  report: Report,
): RedirectFilter | undefined {
  const { [prefix]: wish, [`${prefix}-code`]: code } = mappingOf(annotations)
  if (!isAbsent(wish) && wish !== 'true' && wish !== 'false') {
    const message = `The annotation ${prefix} is ${shown(wish)}: the option of the proxy counts.`
    report(
      'invalid-annotation',
      `metadata.annotations[${prefix}]`,
      message,
      'Write "true" or "false".',
    )
  }
  const isWanted = wish === 'true' || (wish !== 'false' && isDefault)
  if (!isWanted) return undefined
  const status = statuses.get(code)
  if (!isAbsent(code) && status === undefined) {
    const message = `The annotation ${prefix}-code is ${shown(code)}: 308 is answered.`
    report(
      'invalid-annotation',
      `metadata.annotations[${prefix}-code]`,
      message,
      'Write 301, 302, 303, 307 or 308.',
    )
  }
  return { kind: 'redirect', when: 'told', status: status ?? 308, scheme: 'https' }
}
