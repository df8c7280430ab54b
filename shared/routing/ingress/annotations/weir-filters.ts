// Weir's own annotations for filters with keys of one family only: each key sets a part, the filter's kind judges the whole.
import { filterKinds } from '../../filters/kinds.ts'
import { parseOwnFilters } from '../../filters/own.ts'
import { refOf } from '../../upstreams/backend-ref.ts'
import type { Draft } from './draft.ts'
import {
  parsePercent,
  parseService,
  parseStatuses,
  parseWhole,
  parseWords,
  type ServiceName,
} from './filter-values.ts'
import { guarded, type Row, supported } from './row.ts'
import { partOf } from './settings.ts'
import {
  accept,
  parseAge,
  parseBool,
  parseDuration,
  parseHeaderNames,
  parsePath,
  parseSize,
  refuse,
} from './values.ts'

/** The Service as a backend of the Ingress's namespace. */
const refIn = ({ namespace }: Draft, name: ServiceName) => refOf({ namespace, ...name })

const upper = (names: readonly string[]) => names.map((name) => name.toUpperCase())

const cors: readonly Row[] = [
  supported(
    'cors-origins',
    'origins, comma separated; `https://*.a.test`, `*`',
    'Pages of these origins may read the responses; preflights are answered by Weir. Without `cors-credentials` cookies are not sent along.',
    parseWords,
    partOf('cors', 'weir.dev/cors-origins', (origins) => ({ origins })),
  ),
  supported(
    'cors-methods',
    'methods, comma separated',
    'What preflights allow; GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS when absent.',
    parseWords,
    partOf('cors', 'weir.dev/cors-methods', (methods: readonly string[]) => ({
      methods: upper(methods),
    })),
  ),
  supported(
    'cors-headers',
    'names, comma separated; `*`',
    'Request headers that preflights allow; all that are asked for when absent.',
    parseHeaderNames,
    partOf('cors', 'weir.dev/cors-headers', (headers) => ({ headers })),
  ),
  supported(
    'cors-expose-headers',
    'names, comma separated',
    'Response headers that scripts may read.',
    parseHeaderNames,
    partOf('cors', 'weir.dev/cors-expose-headers', (exposed) => ({ exposed })),
  ),
  supported(
    'cors-credentials',
    'bool',
    'Requests with cookies and passwords may be read, too; needs origins by name.',
    parseBool,
    partOf('cors', 'weir.dev/cors-credentials', (credentials) => ({ credentials })),
  ),
  supported(
    'cors-max-age',
    'seconds',
    'How long browsers keep the answer to a preflight.',
    parseAge,
    partOf('cors', 'weir.dev/cors-max-age', (maxAgeSeconds) => ({ maxAgeSeconds })),
  ),
]

const mirror: readonly Row[] = [
  supported(
    'mirror-to',
    '`service:port`',
    'Sends copies of requests to this Service and throws its answers away. The original never waits for it.',
    parseService,
    partOf('mirror', 'weir.dev/mirror-to', (name, draft) => ({ to: refIn(draft, name) })),
  ),
  supported(
    'mirror-percent',
    '0 to 100',
    'Share of requests that are copied; all when absent.',
    parsePercent,
    partOf('mirror', 'weir.dev/mirror-percent', (percent) => ({ percent })),
  ),
  supported(
    'mirror-max-body-size',
    '`512k`, `8m`',
    'Requests with a larger body are not copied; 1m when absent.',
    parseSize,
    partOf('mirror', 'weir.dev/mirror-max-body-size', (maxBodyBytes) => ({ maxBodyBytes })),
  ),
  supported(
    'mirror-timeout',
    '`500ms`, `5s`',
    'Time for one copy, answer included; 5s when absent.',
    parseDuration,
    partOf('mirror', 'weir.dev/mirror-timeout', (timeoutMs) => ({ timeoutMs })),
  ),
]

const errorPages: readonly Row[] = [
  supported(
    'error-pages',
    '`404, 500-599`',
    'Responses with these statuses, of the application or of Weir, get a page of `error-pages-from` instead; the status stays.',
    parseStatuses,
    partOf('error-pages', 'weir.dev/error-pages', (statuses) => ({ statuses })),
  ),
  supported(
    'error-pages-from',
    '`service:port`',
    'The Service that gives the pages. It is told the status as X-Code, and X-Format, X-Original-URI, X-Namespace, X-Request-ID.',
    parseService,
    partOf('error-pages', 'weir.dev/error-pages-from', (name, draft) => ({
      from: refIn(draft, name),
    })),
  ),
  supported(
    'error-pages-path',
    'path; `{status}` in it is the status',
    'Path of the pages; `/` when absent.',
    parsePath,
    partOf('error-pages', 'weir.dev/error-pages-path', (path) => ({ path })),
  ),
]

const compress: readonly Row[] = [
  supported(
    'compress',
    '`gzip`, `br`, `zstd`, comma separated',
    'Compresses responses for clients that accept it, in this order where they like several equally. Never what is coded already.',
    parseWords,
    partOf('compress', 'weir.dev/compress', (codings) => ({ codings })),
  ),
  supported(
    'compress-types',
    'media types, `text/*`',
    'Which responses; text, JSON, JavaScript, XML, SVG and WASM when absent.',
    parseWords,
    partOf('compress', 'weir.dev/compress-types', (types) => ({ types })),
  ),
  supported(
    'compress-min-size',
    '`512`, `2k`',
    'Shorter bodies stay as they are, where their length is known; 1k when absent.',
    parseSize,
    partOf('compress', 'weir.dev/compress-min-size', (minBytes) => ({ minBytes })),
  ),
  supported(
    'compress-level',
    '1 to 9',
    '1 is fast, 9 is small; 4 when absent.',
    parseWhole(1, 9),
    partOf('compress', 'weir.dev/compress-level', (level) => ({ level })),
  ),
]

const buffering: readonly Row[] = [
  supported(
    'buffer-request-body',
    '`64k`, `1m`; 0: never',
    'Gathers request bodies before they are sent, so that a slow client holds no endpoint and a failed attempt can be made again; larger ones get 413.',
    parseSize,
    (bufferBytes, { limits }) => ({ limits: { ...limits, bufferBytes, spills: false } }),
  ),
]

const own: readonly Row[] = [
  guarded(
    'filters',
    '`name(arguments)`, one per line',
    'Filters of your own, from the module that `--filters` names; arguments are texts in double quotes, numbers, true and false. They act in this order, behind the others.',
    (text) => {
      const filters = parseOwnFilters(text)
      return typeof filters === 'string' ? refuse(filters) : accept(filters)
    },
    (filters) => {
      for (const filter of filters) {
        const kind = filterKinds.get(filter.kind)
        if (kind === undefined) return `names the filter ${filter.kind}, which there is not`
        const fault = kind.fault(filter)
        if (fault !== undefined) return `has a fault in ${filter.kind}: ${fault}`
      }
      return { own: filters }
    },
  ),
]

/** The rows of filters. */
export const filterRows: readonly Row[] = [
  ...cors,
  ...mirror,
  ...errorPages,
  ...compress,
  ...buffering,
  ...own,
]
