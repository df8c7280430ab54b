// Skipper's filters that send copies of requests.
import { readOrigin } from '../../../auth-origin.ts'
import type { MirrorFilter } from '../../filters/mirror.ts'
import { refOfOrigin } from '../../upstreams/backend-ref.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type FiltersContext, type Made, only, refused, served } from './row.ts'

function copying(args: Args, { namespace }: FiltersContext): Made {
  args.expect(1, 3)
  if (args.count === 2) throw new ArgumentFault('its pattern needs a replacement')
  const url = args.text(0, 'URL')
  const result = readOrigin(url)
  if (!result.ok) throw new ArgumentFault(`its URL ${result.reason}`)
  const rewrite = args.has(1) && {
    rewrite: { pattern: args.text(1, 'pattern'), replacement: args.text(2, 'replacement') },
  }
  const filter: MirrorFilter = {
    kind: 'mirror',
    to: refOfOrigin(result.origin, namespace),
    authority: new URL(url).host,
    ...{ percent: 100, maxBodyBytes: 1 << 20, timeoutMs: 5000, maxInFlight: 100 },
    isOfItsPlace: true,
    ...rewrite,
  }
  return only(filter)
}

const note =
  'A copy of what the filters before it have made, without its answer; bodies up to 1 MiB. The operator allows its origin (--auth-urls), or it is a Service of the namespace.'

export const shadowRows: readonly FilterRow[] = [
  served('tee', 'URL, [pattern, replacement]', note, copying),
  served('teenf', 'URL, [pattern, replacement]', `${note} Redirects are never followed.`, copying),
  served('Tee', 'URL, [pattern, replacement]', 'The old name of tee.', copying),
  refused('teeResponse', 'Copy requests with tee instead.'),
]
