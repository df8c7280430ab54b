// How many bytes did a request and its response have, head and body, as nginx counts them?

// `METHOD path HTTP/1.1`, `Host: name` and the end of the head; `HTTP/1.1 200 OK` and the end of the head.
const requestLineBytes = ' HTTP/1.1\r\n'.length + 1 + 'Host: \r\n\r\n'.length
const statusLineBytes = 'HTTP/1.1 200 OK\r\n\r\n'.length

/** What is counted of a request: as in a RequestRecord (its imports lead back here). */
interface Requested {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly fieldBytesIn: number
  readonly bytesIn: number
}

/** Of a request. */
export function requestBytes(record: Requested): number {
  const { method, host, path, query, fieldBytesIn, bytesIn } = record
  const line = method.length + path.length + query.length + host.length + requestLineBytes
  return line + fieldBytesIn + bytesIn
}

/** And of its response. */
interface Responded {
  readonly fieldBytesOut: number
  readonly bytesOut: number
}

/** Of its response. */
export function responseBytes({ fieldBytesOut, bytesOut }: Responded): number {
  return statusLineBytes + fieldBytesOut + bytesOut
}
