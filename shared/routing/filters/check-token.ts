// What is a check of a token? Those of jwt.ts differ in where keys come from.
import type { Cancel } from './kind.ts'
import type { Claims } from './verify-token.ts'

/** What a token says; or that it is no good; or that it cannot be checked now. */
export type Checked = Claims | 'invalid-token' | 'no-keys'

/** Checks a token at `nowMs` (wall clock); settles once, now or later. */
export type CheckToken = (
  token: string,
  nowMs: number,
  settle: (checked: Checked) => void,
) => Cancel
