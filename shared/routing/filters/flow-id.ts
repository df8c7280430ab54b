// By which id can an application follow a request through its services? Skipper's X-Flow-Id.
import type { Filter, FilterKind } from './kind.ts'

/** Gives each request a new X-Flow-Id. */
export interface FlowIdFilter extends Filter {
  readonly kind: 'flow-id'
  /** One that the client sent stays, if it is of the usual form. */
  readonly reuses?: true
}

// As Skipper's generator: letters, digits, `+` and `-`.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-'
const length = 16
const usable = /^[0-9a-zA-Z+-]{8,64}$/
const field = 'x-flow-id'

export const flowIdKind: FilterKind<FlowIdFilter> = {
  kind: 'flow-id',
  fault: () => undefined,
  compile: ({ reuses }, { random }) => ({
    request: {
      kind: 'sync',
      decide(request) {
        if (reuses === true && usable.test(request.field(field) ?? '')) return undefined
        let id = ''
        for (let at = 0; at < length; at += 1) id += alphabet[Math.floor(random() * 64)]
        request.setField(field, id)
        return undefined
      },
    },
  }),
}
