// Which fields does a failure of Weir's own carry, for clients that know it by another proxy's name?

import type { FailureCode } from '../failure.ts'
import { faultOfName, faultOfValue } from './header-edits.ts'
import type { Filter, FilterKind } from './kind.ts'

/** Adds a field to the pages of some failures. */
export interface FailureFieldsFilter extends Filter {
  readonly kind: 'failure-fields'
  readonly codes: readonly FailureCode[]
  /** In lower case. */
  readonly name: string
  readonly value: string
}

export const failureFieldsKind: FilterKind<FailureFieldsFilter> = {
  kind: 'failure-fields',
  fault: ({ name, value }) => faultOfName(name) ?? faultOfValue(value),
  compile({ codes, name, value }) {
    const meant = new Set<string>(codes)
    return {
      response: {
        kind: 'sync',
        includesOwn: 'only',
        decide(response) {
          if (meant.has(response.code)) response.setField(name, value)
          return undefined
        },
      },
    }
  },
}
