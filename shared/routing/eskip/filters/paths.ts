// Skipper's filters of the path and of the host that upstreams are asked for.
import type { PathChangeFilter } from '../../filters/path-change.ts'
import { type FilterRow, only, served } from './row.ts'

function pathChange(change: PathChangeFilter['change']): PathChangeFilter {
  return { kind: 'path-change', change }
}

export const pathRows: readonly FilterRow[] = [
  served('setPath', 'path', 'A placeholder without a value is empty.', (args) => {
    args.expect(1)
    return only(pathChange({ by: 'text', text: args.template(0, 'path') }))
  }),
  served(
    'modPath',
    'pattern, replacement',
    'Differs: an escaped slash (`%2F`) stays escaped, and no dot segment is left.',
    (args) => {
      args.expect(2)
      const replacement = args.text(1, 'replacement')
      return only(pathChange({ by: 'pattern', pattern: args.text(0, 'pattern'), replacement }))
    },
  ),
  served(
    'preserveHost',
    '"true" or "false"',
    '"false": the address of the endpoint is asked for.',
    (args) => {
      args.expect(1)
      return { backend: { preservesHost: args.oneOf(0, 'argument', ['true', 'false']) === 'true' } }
    },
  ),
  served(
    'rfcPath',
    '',
    'Weir always does what it does: escaped slashes are never decoded.',
    (args) => {
      args.expect(0)
      return {}
    },
  ),
  served('rfcHost', '', 'The host goes upstream without its last dot.', (args) => {
    args.expect(0)
    return only({ kind: 'host-without-dot' })
  }),
  served(
    'xforward',
    '',
    'The peer becomes the last address of X-Forwarded-For, and X-Forwarded-Host is told, as Weir does always but with `--forwarded-headers skipper`. Differs: of X-Forwarded-For only what trusted proxies say stays.',
    (args) => {
      args.expect(0)
      return only({ kind: 'forwarded-peer' })
    },
  ),
  served(
    'xforwardFirst',
    '',
    'As xforward: the peer goes behind the others, not before them.',
    (args) => {
      args.expect(0)
      return {
        ...only({ kind: 'forwarded-peer' }),
        note: 'The peer goes behind the other addresses of X-Forwarded-For, not before them.',
      }
    },
  ),
  served(
    'flowId',
    '["reuse"]',
    'X-Flow-Id of 16 characters; "reuse" keeps one that the client sent.',
    (args) => {
      args.expect(0, 1)
      const reuses = args.has(0) && args.text(0, 'argument').toLowerCase() === 'reuse'
      return only({ kind: 'flow-id', ...(reuses && { reuses: true }) })
    },
  ),
]
