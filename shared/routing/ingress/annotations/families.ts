// Which families of annotations does Weir know, and which of them has the last word?
import { nginx } from './nginx.ts'
import type { Family } from './row.ts'
import { weir } from './weir.ts'
import { zalando } from './zalando.ts'

/** In the order in which they are applied: Weir's own keys come last and replace what the others say. */
export const families: readonly Family[] = [zalando, nginx, weir]
