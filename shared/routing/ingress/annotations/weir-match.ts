// Weir's own annotations for conditions: which requests, among those that host and path find, do the routes of an Ingress mean?
import type { Condition } from '../../conditions/condition.ts'
import {
  parseHeaderMatch,
  parseMethodMatch,
  parsePairMatch,
  parseShareMatch,
  parseSourceMatch,
  parseTimeMatch,
} from './match-values.ts'
import { guarded, type SupportedRow } from './row.ts'
import type { Parser } from './values.ts'

/** Makes a row whose conditions join those of the other rows. */
function match(
  key: string,
  value: string,
  meaning: string,
  parse: Parser<readonly Condition[]>,
): SupportedRow {
  const row = guarded(key, value, meaning, parse, (conditions, draft) => ({
    conditions: draft.conditions && [...draft.conditions, ...conditions],
  }))
  return { ...row, narrows: true }
}

/** The rows of conditions. */
export const matchRows: readonly SupportedRow[] = [
  match(
    'match-method',
    '`GET, HEAD`; `!GET, HEAD`',
    'Only requests with one of these methods; with `!` in front only those with another one.',
    parseMethodMatch,
  ),
  match(
    'match-header',
    '`Name: value`, `Name: ~pattern`, `Name`; one per line, `!` in front negates it',
    'Only requests whose header has this value, has a match of this RE2 pattern (with case, anywhere unless it is anchored), or is there at all. Several lines of one header are joined by `, `.',
    parseHeaderMatch,
  ),
  match(
    'match-query',
    '`name=value`, `name=~pattern`, `name`; one per line, `!` in front negates it',
    'Only requests whose first query parameter of this name, decoded, has this value, has a match, or is there.',
    parsePairMatch('query'),
  ),
  match(
    'match-cookie',
    '`name=value`, `name=~pattern`, `name`; one per line, `!` in front negates it',
    'Only requests whose first cookie of this name has this value, has a match, or is there. Nothing is decoded.',
    parsePairMatch('cookie'),
  ),
  match(
    'match-source',
    'CIDRs; `!` in front: none of them',
    'Only requests of clients in these networks. Others are not refused: another route may serve them. To refuse them use `allow-source-ranges`.',
    parseSourceMatch,
  ),
  match(
    'match-time',
    '`2026-12-01T00:00Z/2026-12-24T18:00+01:00`; one side may be empty, `!` in front negates it',
    'Only requests from the first time on and before the second.',
    parseTimeMatch,
  ),
  match(
    'match-share',
    '`10%`, `10-30%`',
    'Only this share of requests, chosen at random. Parts that lie beside each other (`0-10%`, `10-30%`) never overlap: one draw decides for all routes.',
    parseShareMatch,
  ),
]
