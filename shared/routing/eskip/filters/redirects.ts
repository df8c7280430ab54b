// Skipper's redirects.
import { holdsControls } from '../../../latin1-text.ts'
import type { RedirectToFilter } from '../../filters/redirect-to.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

const note = 'What the location leaves out comes from the request, but for the scheme: https.'

function redirecting(lowers: boolean) {
  return (args: Args): Made => {
    args.expect(1, 2)
    const status = args.whole(0, 'status', 300, 399)
    const location = args.has(1) ? args.text(1, 'location') : ''
    const parts = readLocation(location)
    if (parts === undefined) throw new ArgumentFault('its location must be a URL or a part of one')
    const filter: RedirectToFilter = {
      kind: 'redirect-to',
      status,
      ...parts,
      ...(lowers && { lowers: true }),
    }
    return only(filter)
  }
}

/** Splits a reference as RFC 3986, appendix B, does; empty parts are absent. */
function readLocation(
  text: string,
): Pick<RedirectToFilter, 'scheme' | 'authority' | 'path' | 'query'> | undefined {
  const match =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/s.exec(text)
  if (match === null || holdsControls(text)) return undefined
  const [, scheme = 'https', authority = '', path = '', query = ''] = match
  // Behind a scheme alone Go reads something that is no path.
  if (match[1] !== undefined && authority === '' && path !== '' && !path.startsWith('/'))
    return undefined
  return {
    scheme: scheme.toLowerCase(),
    ...(authority !== '' && { authority }),
    ...(path !== '' && { path }),
    ...(query !== '' && { query }),
  }
}

export const redirectRows: readonly FilterRow[] = [
  served('redirectTo', 'status, [location]', note, redirecting(false)),
  served(
    'redirectToLower',
    'status, [location]',
    `${note} The path is in lower case.`,
    redirecting(true),
  ),
  served('redirect', 'status, location', `The old name of redirectTo. ${note}`, redirecting(false)),
]
