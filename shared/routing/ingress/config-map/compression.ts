// Keys of the ConfigMap that say which responses are compressed, and how.
import { compileSearch } from '../../pattern.ts'
import { parseWhole } from '../annotations/filter-values.ts'
import {
  accept,
  type Parsed,
  type Parser,
  parseBool,
  refuse,
  splitList,
} from '../annotations/values.ts'
import { usualTypes } from '../compressors.ts'
import type { CodingDefaults, IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

/** Changes one part of a coding. */
function codingPart<K extends keyof CodingDefaults>(coding: 'gzip' | 'brotli', part: K) {
  return (value: CodingDefaults[K], defaults: IngressDefaults): Partial<IngressDefaults> => ({
    [coding]: { ...defaults[coding], [part]: value },
  })
}

/** Parses media types separated by white space; `*` is all of them. */
const parseTypes: Parser<readonly string[]> = orEmpty((text): Parsed<readonly string[]> => {
  const types = splitList(text.toLowerCase()).map((type) => (type === '*' ? '*/*' : type))
  const isType = (type: string) =>
    type === '*/*' || /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type)
  return types.every(isType)
    ? accept(types)
    : refuse('must be media types such as text/css, separated by spaces, or *')
}, usualTypes)

/** Parses a pattern of user agents; `msie6` is nginx's word for old Internet Explorers. */
const parseAgents: Parser<string | undefined> = orEmpty<string | undefined>((text) => {
  const pattern = text === 'msie6' ? String.raw`MSIE [456]\.` : text
  const result = compileSearch(`(?i)${pattern}`)
  return result.ok ? accept(pattern) : refuse(`must be a pattern of user agents: ${result.reason}`)
}, undefined)

const types = usualTypes.join(' ')

export const compressionRows: readonly ConfigMapRow[] = [
  supportedKey(
    'use-gzip',
    'bool',
    'false',
    'Responses are compressed for clients that accept gzip, unless `weir.dev/compress` says otherwise.',
    parseBool,
    codingPart('gzip', 'isOn'),
  ),
  supportedKey(
    'gzip-level',
    '1 to 9',
    '1',
    '1 is fast, 9 is small.',
    parseWhole(1, 9),
    codingPart('gzip', 'level'),
  ),
  supportedKey(
    'gzip-min-length',
    'bytes',
    '256',
    'Shorter bodies stay as they are, where their length is known.',
    parseWhole(0, 2 ** 31),
    codingPart('gzip', 'minBytes'),
  ),
  supportedKey(
    'gzip-types',
    'media types, separated by spaces; `*`',
    types,
    'Which responses, beside text/html.',
    parseTypes,
    codingPart('gzip', 'types'),
  ),
  supportedKey(
    'gzip-disable',
    'pattern, `msie6`',
    '',
    'User agents that get no response in gzip, in RE2 syntax, without case.',
    parseAgents,
    codingPart('gzip', 'exceptAgents'),
  ),
  supportedKey(
    'enable-brotli',
    'bool',
    'false',
    'As `use-gzip` for br, which is taken where a client accepts both.',
    parseBool,
    codingPart('brotli', 'isOn'),
  ),
  supportedKey(
    'brotli-level',
    '0 to 11',
    '4',
    '0 is fast, 11 is small and slow.',
    parseWhole(0, 11),
    codingPart('brotli', 'level'),
  ),
  supportedKey(
    'brotli-min-length',
    'bytes',
    '20',
    'As `gzip-min-length`.',
    parseWhole(0, 2 ** 31),
    codingPart('brotli', 'minBytes'),
  ),
  supportedKey(
    'brotli-types',
    'media types, separated by spaces; `*`',
    types,
    'As `gzip-types`.',
    parseTypes,
    codingPart('brotli', 'types'),
  ),
]
