// An example of filters of your own: `weir-proxy --filters deploy/examples/filters.ts`, then on an Ingress:
//
//   weir.dev/filters: |
//     require-header("X-Team")
//     add-note("checked", 1)
//
// The types come from Weir itself; an editor shows what a request offers. Say what is wrong in `fault`: the Ingress's owner
// reads it, and its routes are closed (503) until it is mended. What throws costs its own request alone; what computes for long
// makes all routes wait, and is closed when it does so again and again (docs/operations.md).

import type { FilterKind } from '../../shared/routing/filters/kind.ts'
import type { OwnFilter } from '../../shared/routing/filters/own.ts'

const requireHeader: FilterKind<OwnFilter> = {
  kind: 'require-header',
  isGuard: true,
  fault: ({ args }) =>
    args.length === 1 && typeof args[0] === 'string' ? undefined : 'it needs the name of a header',
  compile: ({ args }) => {
    const name = String(args[0]).toLowerCase()
    return {
      request: {
        kind: 'sync',
        decide: (request) => (request.field(name) === undefined ? 'access-denied' : undefined),
      },
    }
  },
}

const addNote: FilterKind<OwnFilter> = {
  kind: 'add-note',
  fault: ({ args }) => (args.length === 2 ? undefined : 'it needs a text and a number'),
  compile: ({ args: [text, number] }) => ({
    response: {
      kind: 'sync',
      includesOwn: true,
      decide(response) {
        response.setField('x-note', `${text} ${number}`)
        return undefined
      },
    },
  }),
}

/** What `--filters` reads. */
export const filters = [requireHeader, addNote]
