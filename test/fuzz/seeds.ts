// What is mutated: requests that are served, the requests of the hostile cases, and responses for upstreams to give.
import { bytesOf, clientParts, readCases } from '../hostile/cases.ts'

const head = (line: string, ...fields: string[]) =>
  `${[line, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`
const chunks = '5\r\nhello\r\n6;a="b"\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n'
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x']

const served = [
  head('GET / HTTP/1.1'),
  head('GET / HTTP/1.1', 'User-Agent: fuzz', 'Accept: */*', 'Cookie: a=b; c=d', 'TE: trailers'),
  head('GET /a/b?c=d HTTP/1.0', 'Connection: keep-alive'),
  head('HEAD /chunked HTTP/1.1'),
  head('OPTIONS * HTTP/1.1'),
  `${head('POST / HTTP/1.1', 'Content-Length: 5')}hello`,
  `${head('POST /early HTTP/1.1', 'Content-Length: 5')}hello`,
  head('PUT /chunked HTTP/1.1', 'Transfer-Encoding: chunked', 'Trailer: X-Sum') + chunks,
  `${head('POST / HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 5')}hello`,
  head('POST / HTTP/1.1', 'Expect: 100-continue', 'Transfer-Encoding: chunked') + chunks,
  head('GET /close HTTP/1.1') + head('GET /chunked HTTP/1.1') + head('GET / HTTP/1.1'),
  `${head('POST / HTTP/1.1', 'Content-Length: 5')}hello${head('GET /second HTTP/1.1')}`,
  head('DELETE / HTTP/1.1', 'Transfer-Encoding: chunked') + chunks + head('GET /second HTTP/1.1'),
  head('GET /cut HTTP/1.1'),
  head('GET / HTTP/1.1', 'Connection: X-Custom, close', 'X-Custom: 1', 'X-Forwarded-For: 6.6.6.6'),
  `${head('GET /ws HTTP/1.1', ...upgrade)}early bytes`,
  'GET http://a.test/absolute HTTP/1.1\r\nHost: a.test\r\n\r\n',
]

const hostile = readCases(new URL('../cases/http1-hostile.json', import.meta.url))

/** Requests, and whole conversations of them. */
export const requestSeeds: readonly string[] = [
  ...served,
  ...hostile.map((each) => bytesOf(clientParts(each))).filter((text) => text.length <= 4096),
].filter((text) => text !== '')

/** Requests for an upstream that answers with a mutated response. */
export function scriptedRequest(number: number, method: string): string {
  return head(`${method} /r/${number} HTTP/1.1`)
}

/** Responses. */
export const responseSeeds: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${chunks}`,
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the connection closes',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n',
  ...hostile
    .map((each) => bytesOf(each.backendSends ?? []))
    .filter((text) => text !== '' && text.length <= 4096),
]
