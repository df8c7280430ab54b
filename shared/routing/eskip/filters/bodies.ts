// Skipper's filters of bodies.
import type { BodyBlockFilter } from '../../filters/body-block.ts'
import type { BodyEditFilter } from '../../filters/body-edit.ts'
import type { Coding, CompressFilter } from '../../filters/compress.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

const most = 2 << 20

function editing(on: BodyEditFilter['on'], isDelimited: boolean) {
  return (args: Args): Made => {
    const next = isDelimited ? 3 : 2
    args.expect(next, next + 2)
    const delimiter = isDelimited ? args.text(2, 'delimiter') : undefined
    const handling = args.has(next + 1)
      ? args.oneOf(next + 1, 'last argument', ['best-effort', 'abort'])
      : 'best-effort'
    const asked = args.has(next) ? args.whole(next, 'size', 0) : 0
    const filter: BodyEditFilter = {
      kind: 'body-edit',
      on,
      pattern: args.text(0, 'pattern'),
      replacement: args.text(1, 'replacement'),
      maxBytes: asked === 0 ? most : Math.min(asked, most),
      ...(delimiter !== undefined && { delimiter }),
      ...(handling === 'abort' && { failsAbove: true }),
    }
    return only(filter)
  }
}

function blocking(textOf: (text: string) => Buffer) {
  return (args: Args): Made => {
    args.expect(1, Number.POSITIVE_INFINITY)
    const texts = args.texts(0, 'texts').map((text) => textOf(text).toString('base64'))
    const filter: BodyBlockFilter = { kind: 'body-block', texts }
    return only(filter)
  }
}

function hexOf(text: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(text))
    throw new ArgumentFault('its texts must be pairs of hex digits')
  return Buffer.from(text, 'hex')
}

const codings: readonly Coding[] = ['gzip', 'deflate', 'br', 'zstd']
// Those of Skipper.
const types = [
  'text/plain',
  'text/html',
  'application/json',
  'application/javascript',
  'application/x-javascript',
  'text/javascript',
  'text/css',
  'image/svg+xml',
  'application/octet-stream',
]

function compressing(args: Args): Made {
  const hasLevel = args.has(0) && typeof args.raw(0) === 'number'
  const level = hasLevel ? args.whole(0, 'level', 0, 11) : 1
  const given = args.texts(hasLevel ? 1 : 0, 'types').map((type) => type.toLowerCase())
  const isMore = given[0] === '...'
  const named = isMore ? given.slice(1) : given
  const filter: CompressFilter = {
    kind: 'compress',
    codings,
    types: named.length === 0 || isMore ? [...types, ...named] : named,
    minBytes: 0,
    level: Math.min(Math.max(level, 1), 9),
    variesWhenCoded: true,
    codesOwn: true,
  }
  return only(filter)
}

const bound =
  'At most 2 MiB are held back for a match (256 KiB, where the pattern is more than a literal text); larger bodies are edited in pieces.'

export const bodyRows: readonly FilterRow[] = [
  served(
    'compress',
    '[level], [type, …]',
    'gzip, deflate, br and zstd, as the client likes best. Levels count from 1 to 9.',
    compressing,
  ),
  served('decompress', '', 'gzip, deflate, br and zstd. What cannot be decoded is cut.', (args) => {
    args.expect(0)
    return only({ kind: 'decompress' })
  }),
  served('sed', 'pattern, replacement, [size, ["abort"]]', bound, editing('response', false)),
  served(
    'sedDelim',
    'pattern, replacement, delimiter, [size, ["abort"]]',
    bound,
    editing('response', true),
  ),
  served('sedRequest', 'pattern, replacement, [size, ["abort"]]', bound, editing('request', false)),
  served(
    'sedRequestDelim',
    'pattern, replacement, delimiter, [size, ["abort"]]',
    bound,
    editing('request', true),
  ),
  served(
    'blockContent',
    'text, …',
    'A request whose body holds one of the texts: 400.',
    blocking((text) => Buffer.from(text)),
  ),
  served(
    'blockContentHex',
    'hex, …',
    'A request whose body holds one of these bytes: 400.',
    blocking(hexOf),
  ),
]
