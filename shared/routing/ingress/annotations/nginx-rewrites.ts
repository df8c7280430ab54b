// The annotations of ingress-nginx that change the path that goes upstream.

import type { RedirectTarget } from '../../filters/redirect.ts'
import { isPort } from '../../shapes.ts'
import { guarded, ignoring, type SupportedRow, supported } from './row.ts'
import {
  accept,
  type Parsed,
  parseLiteralUrl,
  parsePath,
  parseRewriteTarget,
  refuse,
} from './values.ts'

/** Rows of keys that rewrite. */
export const rewriteRows: readonly SupportedRow[] = [
  ignoring(
    guarded(
      'rewrite-target',
      'path with `$1` to `$9`, or URL',
      'Replaces the whole path, the query is kept; `$1` to `$9` are the groups of the rule’s path. Groups, or a path that can only be a pattern, turn `use-regex` on, and with `--like ingress-nginx` so does any target that is not the path itself. An http(s) URL is a 302 redirect, in which the groups and the query count, too. With `--like ingress-nginx` a target with other characters than letters, digits and `-._~/:$` has no effect.',
      parseRewrite,
      (value) =>
        typeof value === 'string'
          ? { rewrite: { kind: 'target', replacement: value } }
          : { rewriteUrl: value },
    ),
    (text, { defaults }) =>
      defaults.like !== 'ingress-nginx' || /^[-._~a-zA-Z0-9/:$]+$/.test(text)
        ? undefined
        : 'has characters that ingress-nginx does not take',
  ),
  supported(
    'x-forwarded-prefix',
    'path',
    'Sent upstream as X-Forwarded-Prefix, with `rewrite-target` only.',
    parsePath,
    (forwardedPrefix) => ({ forwardedPrefix }),
  ),
]

const urlWithGroups =
  /^(https?):\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(\d{1,5}))?((?:[/$].*)?)$/i

function parseRewrite(text: string): Parsed<string | RedirectTarget> {
  if (!/^https?:/i.test(text)) return parseRewriteTarget(text)
  const match = urlWithGroups.exec(text)
  if (match === null || text.endsWith('$request_uri')) return parseLiteralUrl(text)
  const [, scheme = '', host = '', port, target = ''] = match
  if (port !== undefined && !isPort(Number(port))) return refuse('must have a port of 1 to 65535')
  const path = target === '' ? accept('/') : parseRewriteTarget(target)
  if (!path.ok) return refuse(`${path.reason}, as a URL, too`)
  return accept({
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    host: host.toLowerCase(),
    ...(port === undefined ? {} : { port: Number(port) }),
    path: path.value,
    pattern: '',
  })
}
