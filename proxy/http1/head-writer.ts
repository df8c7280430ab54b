// How do heads look when Weir writes them? Each is one string, made of long slices of what came and the few fields of ours.
import { dropFields } from '../http/fields.ts'
import type { RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'

/** Edits that a policy makes to the fields of a head: names to drop (lower case) and ready lines to append. */
export interface FieldEdits {
  readonly dropped: ReadonlySet<string>
  readonly appended: string
}

/**
 * Field lines without those that Connection listed (RFC 9110 §7.6.1), plus `own` lines of Weir's; then a policy's edits,
 * which have the last word on both.
 */
function editedLines(
  kept: string,
  listed: readonly string[],
  own: string,
  edits: FieldEdits | undefined,
): string {
  const lines = (listed.length === 0 ? kept : dropFields(kept, new Set(listed))) + own
  if (edits === undefined) return lines
  return (edits.dropped.size > 0 ? dropFields(lines, edits.dropped) : lines) + edits.appended
}

/**
 * Writes the head that goes upstream. `target` is path and query; `facts` are the X-Forwarded-* lines and the request id;
 * `fallbackHost` is used when the client named no host (HTTP/1.0).
 */
export function requestHead(
  head: RequestHead,
  target: string,
  facts: string,
  edits: FieldEdits | undefined,
  fallbackHost: string,
): string {
  let text = `${head.method} ${target} HTTP/1.1\r\n`
  if (head.hostField === '') text += `Host: ${head.host || fallbackHost}\r\n`
  text += editedLines(head.kept, head.listed, facts, edits)
  if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n'
  if (head.expectsContinue) text += 'Expect: 100-continue\r\n'
  if (head.upgrade !== '') text += `Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  else if (head.acceptsTrailers) text += 'Connection: TE\r\nTE: trailers\r\n'
  return `${text}\r\n`
}

/** What the client's connection allows and wants, for the head of its response. */
export interface ClientSide {
  readonly isHttp11: boolean
  readonly mayKeepAlive: boolean
  /** Ready `Date: …` line. */
  readonly dateLine: string
}

/** Writes the final response's head for the client; `extra` are ready lines of Weir's own (an affinity cookie). */
export function responseHead(
  head: ResponseHead,
  isRechunked: boolean,
  client: ClientSide,
  edits: FieldEdits | undefined,
  extra: string,
): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${editedLines(head.kept, head.listed, '', edits)}${extra}`
  // RFC 9110 §6.6.1: a recipient with a clock adds a Date that is missing.
  if (!head.hasDate && edits?.dropped.has('date') !== true) text += client.dateLine
  if (!head.hasServer && edits?.dropped.has('server') !== true) text += 'Server: weir\r\n'
  if (isRechunked) text += 'Transfer-Encoding: chunked\r\n'
  return `${text}${connectionLine(client)}\r\n`
}

/** Writes an interim response's head (RFC 9110 §15.2). */
export function interimHead(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n${editedLines(head.kept, head.listed, '', undefined)}\r\n`
}

/** Writes the 101 that opens a tunnel: this hop's fields are the client's and Weir's own affair. */
export function upgradeHead(head: ResponseHead, edits: FieldEdits | undefined): string {
  return `HTTP/1.1 101 ${head.reason}\r\n${editedLines(head.kept, head.listed, '', edits)}Connection: Upgrade\r\n${head.upgradeField}\r\n`
}

/** Writes the whole head of a response that Weir gives itself. */
export function answerHead(
  status: number,
  fields: readonly (readonly [name: string, value: string])[],
  bodyLength: number,
  client: ClientSide,
): string {
  let text = `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n`
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`
  // RFC 9110 §8.6: a 204 has no length.
  if (status !== 204) text += `Content-Length: ${bodyLength}\r\n`
  text += `${client.dateLine}Server: weir\r\n`
  return `${text}${connectionLine(client)}\r\n`
}

function connectionLine(client: ClientSide): string {
  if (!client.mayKeepAlive) return 'Connection: close\r\n'
  return client.isHttp11 ? '' : 'Connection: keep-alive\r\n'
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}
