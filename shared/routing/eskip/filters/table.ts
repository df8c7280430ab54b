// Which filters does Skipper have, and what becomes of each? One row each, by what they are about.

import { authRows } from './auth.ts'
import { backendRows } from './backends.ts'
import { bodyRows } from './bodies.ts'
import { chaosRows } from './chaos.ts'
import { contentRows } from './content.ts'
import { cookieRows } from './cookies.ts'
import { corsRows } from './cors.ts'
import { headerRows } from './headers.ts'
import { limitRows } from './limits.ts'
import { logRows } from './logs.ts'
import { pathRows } from './paths.ts'
import { queryRows } from './queries.ts'
import { queueRows } from './queues.ts'
import { redirectRows } from './redirects.ts'
import { refusedRows } from './refused.ts'
import type { FilterRow } from './row.ts'
import { shadowRows } from './shadows.ts'

/** All filters, in the order of the document. */
export const filterRows: readonly FilterRow[] = [
  ...headerRows,
  ...pathRows,
  ...queryRows,
  ...redirectRows,
  ...contentRows,
  ...bodyRows,
  ...authRows,
  ...corsRows,
  ...cookieRows,
  ...queueRows,
  ...shadowRows,
  ...chaosRows,
  ...limitRows,
  ...backendRows,
  ...logRows,
  ...refusedRows,
]

/** The same, by name. Names keep their case. */
export const filterTable: ReadonlyMap<string, FilterRow> = new Map(
  filterRows.map((row) => [row.name, row]),
)
