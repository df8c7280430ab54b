// Which filters compress the responses of routes whose Ingress says nothing about it? Those that the ConfigMap asks for.
import type { CompressFilter } from '../filters/compress.ts'
import type { CodingDefaults, IngressDefaults } from './defaults.ts'

/** The media types that ingress-nginx 1.15 compresses besides text/html. */
export const usualTypes = [
  'application/atom+xml',
  'application/javascript',
  'application/x-javascript',
  'application/json',
  'application/rss+xml',
  'application/vnd.ms-fontobject',
  'application/x-font-ttf',
  'application/x-web-app-manifest+json',
  'application/xhtml+xml',
  'application/xml',
  'font/opentype',
  'image/svg+xml',
  'image/x-icon',
  'text/css',
  'text/javascript',
  'text/plain',
  'text/x-component',
]

/** Brotli comes first: who takes both gets it, as from nginx. */
export function compressorsOf({ gzip, brotli }: IngressDefaults): readonly CompressFilter[] {
  return [...compressor('br', brotli, 4, 20), ...compressor('gzip', gzip, 1, 256)]
}

function compressor(
  coding: 'br' | 'gzip',
  given: CodingDefaults = {},
  level: number,
  minBytes: number,
): readonly CompressFilter[] {
  if (given.isOn !== true) return []
  const { types = usualTypes, exceptAgents } = given
  return [
    {
      kind: 'compress',
      codings: [coding],
      types: ['text/html', ...types],
      minBytes: given.minBytes ?? minBytes,
      level: given.level ?? level,
      ...(exceptAgents === undefined ? {} : { exceptAgents }),
    },
  ]
}
