// Keys of the ConfigMap that say how redirects look, and where there are none.
import { accept, parseBool, splitList } from '../annotations/values.ts'
import { type ConfigMapRow, supportedKey } from './row.ts'

export const redirectRows: readonly ConfigMapRow[] = [
  supportedKey(
    'no-tls-redirect-locations',
    'paths',
    '/.well-known/acme-challenge',
    'Rules whose path begins with one of these are served by http, too.',
    (text) => accept(splitList(text)),
    (noTlsRedirect) => ({ noTlsRedirect }),
  ),
  supportedKey(
    'relative-redirects',
    'bool',
    'false',
    'Redirects to a path are sent without scheme and host.',
    parseBool,
    (relativeRedirects) => ({ relativeRedirects }),
  ),
  supportedKey(
    'use-port-in-redirects',
    'bool',
    'false',
    'Redirects to https name the port 443.',
    parseBool,
    (namesPort) => ({ namesPort }),
  ),
]
