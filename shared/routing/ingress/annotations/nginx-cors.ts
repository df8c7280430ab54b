// CORS in the words of ingress-nginx 1.15: `enable-cors` brings all of its defaults, the other keys change them.
//
// Invariant: without `enable-cors: "true"` none of them does anything. What cannot be read counts as absent, as it did there.
import { faultOfOrigin } from '../../filters/cors.ts'
import type { Draft } from './draft.ts'
import { type Row, type SupportedRow, supported } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, type Parser, parseBool, refuse, splitList } from './values.ts'

const defaults = {
  origins: ['*'],
  labels: 'one',
  methods: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'],
  headers: [
    'DNT',
    'Keep-Alive',
    'User-Agent',
    'X-Requested-With',
    'If-Modified-Since',
    'Cache-Control',
    'Content-Type',
    'Range',
    'Authorization',
  ],
  exposed: [],
  credentials: true,
  maxAgeSeconds: 1_728_000,
  isEager: true,
}

/** Makes a row that changes one part of what `enable-cors` turned on. */
function detail<T>(
  key: string,
  value: string,
  meaning: string,
  parse: Parser<T>,
  parts: (value: T) => object,
): SupportedRow {
  const change = partOf('cors', 'nginx.ingress.kubernetes.io/enable-cors', parts)
  return supported(key, value, meaning, parse, (parsed, draft) =>
    draft.filters.cors === undefined ? {} : change(parsed, draft),
  )
}

/** Parses a list of names, each of which `name` matches. */
function parseNames(name: RegExp): Parser<readonly string[]> {
  return (text) => {
    const names = splitList(text)
    return names.length > 0 && names.every((each) => name.test(each))
      ? accept(names)
      : refuse('must be a list of names, comma separated')
  }
}

/** Parses whole seconds as ingress-nginx does: a negative age tells browsers to keep nothing. */
function parseMaxAge(text: string): Parsed<number> {
  return /^-?\d{1,9}$/.test(text) ? accept(Number(text)) : refuse('must be whole seconds')
}

const parseOrigins: Parser<readonly string[]> = (text) =>
  /^[\w\s,.:/*-]+$/.test(text)
    ? accept(splitList(text.toLowerCase()))
    : refuse('must be a list of origins such as https://b.test, https://*.b.test, or *')

/** Those of a list that are origins: ingress-nginx leaves out the others, and one `*` among them stands for all. */
function originsOf(items: readonly string[], draft: Draft): Partial<Draft> {
  if (draft.filters.cors === undefined) return {}
  const faults = items.flatMap((item) => faultOfOrigin(item) ?? [])
  const isOpen = items.includes('*')
  const origins = isOpen ? ['*'] : items.filter((item) => faultOfOrigin(item) === undefined)
  const { cors, ...others } = draft.filters
  const remark = faults.length === 0 ? {} : { remark: `lists what is left out: ${faults[0]}` }
  // Nobody is left who may read: no response says anything about origins.
  if (origins.length === 0) return { filters: others, ...remark }
  return { filters: { ...others, cors: { ...cors, parts: { ...cors.parts, origins } } }, ...remark }
}

/** The rows of CORS. */
export const corsRows: readonly Row[] = [
  supported(
    'enable-cors',
    'bool',
    'Every response has the CORS fields, errors included, in the place of the application’s, and OPTIONS of an allowed origin gets 204 before address lists and authentication. OPTIONS of other origins goes on. Differs: `Vary: Origin` is added where origins are listed.',
    parseBool,
    (isOn, draft) => {
      const { cors: _off, ...others } = draft.filters
      if (!isOn) return { filters: others }
      return partOf('cors', 'nginx.ingress.kubernetes.io/enable-cors', () => defaults)(isOn, draft)
    },
  ),
  supported(
    'cors-allow-origin',
    'origins, comma separated; `https://*.b.test` (one label), `*`',
    'Pages of these origins may read the responses; those of all when absent. What is no origin is left out and reported.',
    parseOrigins,
    originsOf,
  ),
  detail(
    'cors-allow-methods',
    'methods, comma separated',
    'What preflights allow; GET, PUT, POST, DELETE, PATCH and OPTIONS when absent.',
    parseNames(/^[A-Za-z]+$/),
    (methods) => ({ methods }),
  ),
  detail(
    'cors-allow-headers',
    'names, comma separated',
    'Request headers that preflights allow; DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, Cache-Control, Content-Type, Range and Authorization when absent.',
    parseNames(/^[\w-]+$/),
    (headers) => ({ headers }),
  ),
  detail(
    'cors-expose-headers',
    'names, comma separated; `*`',
    'Response headers that scripts may read; none when absent.',
    parseNames(/^(?:[\w-]+|\*)$/),
    (exposed) => ({ exposed }),
  ),
  detail(
    'cors-allow-credentials',
    'bool',
    'Requests with cookies and passwords may be read, too; `true` when absent. Browsers refuse it together with the origin `*`.',
    parseBool,
    (credentials) => ({ credentials }),
  ),
  detail(
    'cors-max-age',
    'seconds',
    'How long browsers keep the answer to a preflight; 1728000 when absent.',
    parseMaxAge,
    (maxAgeSeconds) => ({ maxAgeSeconds }),
  ),
]
