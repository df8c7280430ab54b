// Skipper's filter for pages of other origins.
import type { AllowOriginFilter } from '../../filters/allow-origin.ts'
import { type FilterRow, only, served } from './row.ts'

export const corsRows: readonly FilterRow[] = [
  served(
    'corsOrigin',
    '[origin, …]',
    'Without origins any may read; preflights need a route of their own, as in Skipper.',
    (args) => {
      const filter: AllowOriginFilter = { kind: 'allow-origin', origins: args.texts(0, 'origin') }
      return only(filter)
    },
  ),
]
