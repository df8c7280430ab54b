// Mirrored copies in the words of ingress-nginx 1.15.
//
// Invariant: a target is literal but for a trailing `$request_uri`: no text of a request chooses where copies go. Hosts that are
// no Service of the namespace need the operator's leave, as those of authentication do.
import { refOfOrigin } from '../../upstreams/backend-ref.ts'
import type { Draft } from './draft.ts'
import { type AuthUrl, parseAuthUrl, parseHostField } from './filter-values.ts'
import { type Row, supported } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, refuse } from './values.ts'

interface MirrorTarget extends AuthUrl {
  /** `$request_uri` stands behind it. */
  readonly sendsUri: boolean
  /** A path is written. */
  readonly hasPath: boolean
}

const variable = '$request_uri'

/** Parses a URL whose end may be `$request_uri`. */
export function parseMirrorTarget(text: string): Parsed<MirrorTarget> {
  const sendsUri = text.endsWith(variable)
  const literal = sendsUri ? text.slice(0, -variable.length) : text
  if (literal.includes('$'))
    return refuse('may have $request_uri at its end, and no other variable')
  const result = parseAuthUrl(literal)
  if (!result.ok) return result
  const hasPath = /^https?:\/\/[^/?]*[/?]/i.test(literal)
  return accept({ ...result.value, sendsUri, hasPath })
}

function mirrorTo({ origin, path, sendsUri, hasPath }: MirrorTarget, draft: Draft): object {
  const { host } = origin
  return {
    to: refOfOrigin(origin, draft.namespace),
    // ingress-nginx names the host of the URL without its port.
    authority: host.includes(':') ? `[${host}]` : host,
    ...(hasPath ? { path } : {}),
    ...(sendsUri ? { sendsUri } : {}),
  }
}

const key = 'nginx.ingress.kubernetes.io/mirror-target'
const refine = <T>(parts: (value: T) => object) => {
  const change = partOf('mirror', key, parts)
  return (value: T, draft: Draft) =>
    draft.filters.mirror === undefined ? {} : change(value, draft)
}

/** The rows of mirrored copies. */
export const mirrorRows: readonly Row[] = [
  supported(
    'mirror-target',
    '`http(s)://host[:port]/path`, perhaps with `$request_uri` at its end',
    'Sends copies of requests there and throws the answers away; a slow or dead target delays nobody. The host is the DNS name of a Service of this namespace, http only, or one that `--auth-urls` allows. Differs: requests with a body above 1 MiB are not copied, nor those above 100 copies in progress; without a path that of the request is asked for.',
    parseMirrorTarget,
    partOf('mirror', key, mirrorTo),
  ),
  supported(
    'mirror-host',
    'host',
    'Host of the copies; that of the URL, without its port, when absent.',
    parseHostField,
    refine((authority: string) => ({ authority })),
  ),
  supported(
    'mirror-request-body',
    '`on`, `off`',
    'With `off` copies have no body.',
    (text: string) => accept(text.toLowerCase() === 'off'),
    (isOff, draft) => (isOff ? refine(() => ({ isBodiless: true }))(isOff, draft) : {}),
  ),
]
