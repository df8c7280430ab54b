// What is the server of a page told of the error that it is for? What ingress-nginx tells its default backend
// (custom-http-errors).
import type { BackendName } from '../upstreams/backend-ref.ts'
import type { FieldLines, ResponseView } from './kind.ts'

/** Makes the lines of X-Code and its family: `of` is the Service that the error is told to be of, of an Ingress that may be named. */
export function errorFields(
  { request, status }: ResponseView,
  of: BackendName,
  ingress?: string,
): FieldLines {
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['X-Code', String(status)],
    ['X-Format', request.field('accept')],
    ['X-Original-URI', request.path + request.query],
    ['X-Namespace', of.namespace],
    ['X-Ingress-Name', ingress],
    ['X-Service-Name', of.service],
    ['X-Service-Port', String(of.port)],
    ['X-Request-ID', request.requestId],
  ]
  let lines = ''
  for (const [name, value] of fields) if (value !== undefined) lines += `${name}: ${value}\r\n`
  return lines
}
