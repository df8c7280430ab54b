// ingress-nginx's annotations about errors: who answers instead of an application that fails or is not there.
import { type Row, supported } from './row.ts'
import { accept, type Parsed, parseBool, refuse, splitList } from './values.ts'

/** Parses statuses, separated by commas; one that is none spoils the list, as with ingress-nginx. */
export function parseErrorStatuses(text: string): Parsed<readonly number[]> {
  const words = splitList(text)
  return words.length > 0 && words.every((word) => /^[345]\d\d$/.test(word))
    ? accept(words.map(Number))
    : refuse('must be statuses of 300 to 599, such as 404,503')
}

function parseServiceName(text: string): Parsed<string> {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
    ? accept(text)
    : refuse('must be the name of a Service of this namespace')
}

/** The rows of errors. */
export const errorRows: readonly Row[] = [
  supported(
    'default-backend',
    'name of a Service of this namespace',
    'Its first port answers where the Service of a rule is missing or has no endpoints (it gets X-Code: 503), and for `custom-http-errors`. Differs: it is asked with GET or HEAD and without the body.',
    parseServiceName,
    (defaultBackend) => ({ defaultBackend }),
  ),
  supported(
    'custom-http-errors',
    'statuses, comma separated',
    'Responses with these statuses, of applications and of Weir, are replaced by what `default-backend`, else the Service of `--default-backend` answers at `/` with the request’s query; its status counts, but for a 401 or 403 of Weir’s own. It is told X-Code, X-Format, X-Original-URI, X-Namespace, X-Ingress-Name, X-Service-Name, X-Service-Port and X-Request-ID. Without such a Service they become 404. If it does not answer, the response stays.',
    parseErrorStatuses,
    (customErrors) => ({ customErrors }),
  ),
  supported(
    'disable-proxy-intercept-errors',
    'bool',
    '`custom-http-errors` count for what Weir answers itself only; responses of applications pass as they are.',
    parseBool,
    (passesErrors) => ({ passesErrors }),
  ),
]
