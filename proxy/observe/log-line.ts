// How one request reads in the access log, as JSON or in Apache's combined format.
// Invariant: a line is printable ASCII and ends with the only line feed in it, whatever bytes the client sent.
// Invariant: no query is logged, neither the request's nor the referer's: queries carry tokens and personal data.
import type { RequestRecord } from './record.ts'
import type { RouteCounters } from './route-series.ts'

/**
 * One line of JSON. Wire bytes are latin1 characters, so a byte above 0x7E reads as \u00XX and JSON.parse gives it back.
 * `method`, `host` and `path` are empty when the request was not readable; durations are ms with three decimals.
 */
export function formatJson(record: RequestRecord): string {
  const { requestId, clientAddress, method, host, path, error, userAgent } = record
  const referer = withoutQuery(record.referer)
  // One scan for all fields instead of one each: nearly every request passes it (0.15 µs less, bench/micro/record.bench.ts).
  const all = requestId + clientAddress + method + host + path + error + userAgent + referer
  const text = unsafeJson.test(all) ? escaped : unchanged
  return `{"time":"${isoTime(record.wallStartMs)}","request_id":"${text(requestId)}","client":"${text(clientAddress)}","method":"${text(method)}","host":"${text(host)}","path":"${text(path)}","protocol":"${record.protocol}","status":${record.status},"error":"${text(error)}","bytes_in":${record.bytesIn},"bytes_out":${record.bytesOut},"duration_ms":${millis(record.totalMs)},"upstream_ms":${millis(record.upstreamMs)},"overhead_ms":${millis(record.overheadMs)},${routeFields(record.counters)},"endpoint":"${record.endpoint}","retries":${record.retries},"user_agent":"${text(userAgent)}","referer":"${text(referer)}"}\n`
}

/**
 * One line of Apache's combined format, in UTC. Quotes, backslashes and bytes outside 0x20–0x7E read as \xHH, as nginx
 * writes them; an empty field is `-`.
 */
export function formatCombined(record: RequestRecord): string {
  const request =
    record.method === ''
      ? '-'
      : `${hex(record.method, unsafeWord)} ${hex(record.path, unsafeWord)} ${record.protocol}`
  const client = record.clientAddress === '' ? '-' : hex(record.clientAddress, unsafeWord)
  const size = record.bytesOut === 0 ? '-' : record.bytesOut
  const referer = record.referer === '' ? '-' : hex(withoutQuery(record.referer), unsafeText)
  const userAgent = record.userAgent === '' ? '-' : hex(record.userAgent, unsafeText)
  return `${client} - - [${apacheTime(record.wallStartMs)}] "${request}" ${record.status} ${size} "${referer}" "${userAgent}"\n`
}

const unsafeJson = /[^ !#-[\]-~]/
const unsafeText = /[^ !#-[\]-~]/g
// Within the request line a space would move the fields of whoever parses it.
const unsafeWord = /[^!#-[\]-~]/g
const beyondAscii = /[\x7f-\uffff]/g

function unchanged(value: string): string {
  return value
}

/** Escapes a value for a text of JSON: printable ASCII. */
export function escaped(value: string): string {
  const quoted = JSON.stringify(value).replace(
    beyondAscii,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return quoted.slice(1, -1)
}

const noRoute = '"namespace":"","ingress":"","service":""'
const fieldsByRoute = new WeakMap<RouteCounters, string>()

/** The fields of a route and its Service, made once for each. */
function routeFields(route: RouteCounters | undefined): string {
  if (route === undefined) return noRoute
  let fields = fieldsByRoute.get(route)
  if (fields === undefined) {
    const { namespace, ingress, service } = route
    fields = `"namespace":"${escaped(namespace)}","ingress":"${escaped(ingress)}","service":"${escaped(service)}"`
    fieldsByRoute.set(route, fields)
  }
  return fields
}

/** Writes what `unsafe` (global) finds as \\xHH. */
export function hex(value: string, unsafe: RegExp): string {
  return value.replace(unsafe, (character) => {
    const code = character.charCodeAt(0)
    const digits = code.toString(16).toUpperCase()
    return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
}

/** Cuts a URL before its query. */
export function withoutQuery(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

const decimals = Array.from({ length: 1000 }, (_, i) => `.${String(i).padStart(3, '0')}`)

// Two whole numbers instead of a fraction: printing a double costs more than the rest of the line
// (bench/micro/record.bench.ts).
function millis(ms: number): string {
  if (!(ms > 0 && ms < Number.MAX_SAFE_INTEGER / 1000)) return '0.000'
  const micros = Math.round(ms * 1000)
  const whole = Math.floor(micros / 1000)
  return `${whole}${decimals[micros - whole * 1000]}`
}

// The texts of the current second: requests of one second share all but the milliseconds.
let isoSecond = Number.NaN
let isoPrefix = ''
let apacheSecond = Number.NaN
let apacheText = ''

/** ISO 8601 with ms, in UTC. */
export function isoTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  if (second !== isoSecond) {
    isoPrefix = new Date(second * 1000).toISOString().slice(0, 19)
    isoSecond = second
  }
  return `${isoPrefix}${decimals[Math.floor(wallMs - second * 1000)]}Z`
}

const months = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** `10/Oct/2000:13:55:36 +0000`. */
export function apacheTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  if (second !== apacheSecond) {
    const iso = new Date(second * 1000).toISOString()
    const month = Number(iso.slice(5, 7)) * 3
    const date = `${iso.slice(8, 10)}/${months.slice(month - 3, month)}/${iso.slice(0, 4)}`
    apacheText = `${date}:${iso.slice(11, 19)} +0000`
    apacheSecond = second
  }
  return apacheText
}
