// Which requests of HTTP/2 would be something else in HTTP/1.1, if a proxy only wrote them down? What public research found in
// proxies that did (request smuggling by downgrade, 2021 and after; h2c, pseudo-header and CONNECT research), as a table.
//
// A case is one request, by names and values that no library would send, and what became of it:
//   refused   the stream or the connection is reset, or answered by Weir itself; nothing reached an upstream
//   forwarded one request reached the upstream, with the head that `sees` tells
import { fieldBlock, flag, frame, type as kinds } from './frames.ts'

type Field = readonly [name: string, value: string]

/** One case. */
export interface DowngradeCase {
  readonly name: string
  /** Frames of stream 1. */
  readonly frames: readonly Buffer[]
  readonly outcome: 'refused' | 'forwarded'
  /** The status of Weir's own answer, where there is one that the client may see. */
  readonly status?: number
  /** Lines of the head that the upstream gets (without those that Weir writes itself), and its body. */
  readonly sees?: readonly string[]
  readonly body?: string
  readonly why: string
}

const pseudo: Readonly<Record<string, string>> = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/',
  ':authority': 'a.test',
}

/** Fields of a POST, some said otherwise (undefined: left out), and others behind them. */
function fields(
  changes: Readonly<Record<string, string | undefined>>,
  more: readonly Field[] = [],
): Field[] {
  const all = { ...pseudo, ...changes }
  const kept = Object.entries(all).flatMap(([name, value]): Field[] =>
    value === undefined ? [] : [[name, value]],
  )
  return [...kept, ...more]
}

function head(list: readonly Field[], flags: number = flag.endHeaders | flag.endStream): Buffer {
  return frame(kinds.headers, flags, 1, fieldBlock(list))
}

function data(text: string, isLast = true): Buffer {
  return frame(kinds.data, isLast ? flag.endStream : 0, 1, text)
}

/** A request whose head alone is the case. */
function of(changes: Readonly<Record<string, string | undefined>>, ...more: Field[]): Buffer[] {
  return [head(fields(changes, more))]
}

/** The same with a body. */
function withBody(text: string, ...more: Field[]): Buffer[] {
  return [head(fields({}, more), flag.endHeaders), data(text)]
}

const smuggled = 'GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n'
const plain = ['POST / HTTP/1.1', 'Host: a.test']
const chunked = [...plain, 'Transfer-Encoding: chunked']

/** All cases, by what they try. */
export const downgradeCases: readonly DowngradeCase[] = [
  // ── framing ──────────────────────────────────────────────────────────────────────────────────
  {
    name: 'H2.TE',
    frames: withBody(`0\r\n\r\n${smuggled}`, ['transfer-encoding', 'chunked']),
    outcome: 'refused',
    why: 'a coding that HTTP/2 does not have',
  },
  {
    name: 'H2.TE with CL',
    frames: withBody(
      `0\r\n\r\n${smuggled}`,
      ['transfer-encoding', 'chunked'],
      ['content-length', '0'],
    ),
    outcome: 'refused',
    why: 'both',
  },
  {
    name: 'H2.TE in upper case',
    frames: withBody('0\r\n\r\n', ['Transfer-Encoding', 'chunked']),
    outcome: 'refused',
    why: 'upper case is malformed (RFC 9113 §8.2.1)',
  },
  {
    name: 'H2.TE xchunked',
    frames: withBody('0\r\n\r\n', ['transfer-encoding', 'xchunked']),
    outcome: 'refused',
    why: 'whatever its value',
  },
  {
    name: 'H2.TE with a space behind its name',
    frames: withBody('0\r\n\r\n', ['transfer-encoding ', 'chunked']),
    outcome: 'forwarded',
    sees: chunked,
    body: '0\r\n\r\n',
    why: 'a name that is no token is left out by nghttp2; the body is one, in chunks of Weir’s own',
  },
  {
    name: 'H2.TE with an underscore',
    frames: withBody('0\r\n\r\n', ['transfer_encoding', 'chunked']),
    outcome: 'refused',
    status: 400,
    why: 'some read it as the field with a hyphen',
  },
  {
    name: 'H2.TE behind VT',
    frames: withBody('0\r\n\r\n', ['x', 'y'], ['transfer-encoding', '\x0bchunked']),
    outcome: 'refused',
    why: 'whatever its value',
  },
  {
    name: 'H2.TE by a name with CRLF',
    frames: withBody('0\r\n\r\n', ['x: y\r\ntransfer-encoding', 'chunked']),
    outcome: 'forwarded',
    sees: chunked,
    body: '0\r\n\r\n',
    why: 'no token: left out',
  },
  {
    name: 'H2.TE by a value with CRLF',
    frames: withBody('0\r\n\r\n', ['x', 'y\r\ntransfer-encoding: chunked']),
    outcome: 'forwarded',
    sees: chunked,
    body: '0\r\n\r\n',
    why: 'a line end in a value: left out',
  },
  {
    name: 'H2.CL shorter',
    frames: withBody(smuggled, ['content-length', '0']),
    outcome: 'refused',
    why: 'DATA beyond the length (RFC 9113 §8.1.1)',
  },
  {
    name: 'H2.CL shorter by one',
    frames: withBody('12345', ['content-length', '4']),
    outcome: 'refused',
    why: 'DATA beyond the length',
  },
  {
    name: 'H2.CL longer',
    frames: withBody('1234', ['content-length', '5']),
    outcome: 'refused',
    why: 'the end comes before the length',
  },
  {
    name: 'H2.CL of a request without a body',
    frames: of({ ':method': 'GET' }, ['content-length', '40']),
    outcome: 'refused',
    why: '0.CL: an upstream would wait for what comes next',
  },
  {
    name: 'H2.CL twice',
    frames: withBody('1', ['content-length', '1'], ['content-length', '1']),
    outcome: 'refused',
    why: 'two lengths, even the same',
  },
  {
    name: 'H2.CL twice, different',
    frames: withBody('1', ['content-length', '1'], ['content-length', '0']),
    outcome: 'refused',
    why: 'two lengths',
  },
  {
    name: 'H2.CL as a list',
    frames: withBody('1', ['content-length', '1, 1']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL with a sign',
    frames: withBody('1', ['content-length', '+1']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL negative',
    frames: withBody('1', ['content-length', '-1']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL in hex',
    frames: withBody('1', ['content-length', '0x1']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL with CRLF',
    frames: withBody('1', ['content-length', '1\r\nx: y']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL with an underscore',
    frames: withBody('1', ['content_length', '0']),
    outcome: 'refused',
    status: 400,
    why: 'some read it as the field with a hyphen',
  },
  {
    name: 'H2.CL empty',
    frames: withBody('1', ['content-length', '']),
    outcome: 'refused',
    why: 'no number',
  },
  {
    name: 'H2.CL beyond any number',
    frames: withBody('1', ['content-length', '99999999999999999999']),
    outcome: 'refused',
    why: 'no number that all read alike',
  },
  {
    name: 'a body without a length',
    frames: withBody(smuggled),
    outcome: 'forwarded',
    sees: chunked,
    body: smuggled,
    why: 'it is a body, whatever it looks like',
  },
  {
    name: 'a body with its length',
    frames: withBody(smuggled, ['content-length', String(smuggled.length)]),
    outcome: 'forwarded',
    sees: ['POST / HTTP/1.1', 'Host: a.test', `content-length: ${smuggled.length}`],
    body: smuggled,
    why: 'it is a body, whatever it looks like',
  },
  {
    name: 'a GET with a body',
    frames: [head(fields({ ':method': 'GET' }), flag.endHeaders), data(smuggled)],
    outcome: 'forwarded',
    sees: ['GET / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked'],
    body: smuggled,
    why: 'framed, so that the upstream cannot take it for the next request',
  },
  // ── the request line ─────────────────────────────────────────────────────────────────────────
  {
    name: 'CRLF in :method',
    frames: of({ ':method': `GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET` }),
    outcome: 'refused',
    why: 'no token',
  },
  {
    name: 'a space in :method',
    frames: of({ ':method': 'GET /admin HTTP/1.1' }),
    outcome: 'refused',
    why: 'no token',
  },
  { name: 'an empty :method', frames: of({ ':method': '' }), outcome: 'refused', why: 'no token' },
  {
    name: 'CRLF in :path',
    frames: of({ ':path': `/ HTTP/1.1\r\nHost: b.test\r\n\r\n${smuggled}` }),
    outcome: 'refused',
    why: 'not visible',
  },
  {
    name: 'LF in :path',
    frames: of({ ':path': '/\nX: y' }),
    outcome: 'refused',
    why: 'not visible',
  },
  {
    name: 'a space in :path',
    frames: of({ ':path': '/ HTTP/1.1' }),
    outcome: 'refused',
    why: 'a request line of its own',
  },
  {
    name: 'a tab in :path',
    frames: of({ ':path': '/\tHTTP/1.1' }),
    outcome: 'refused',
    why: 'some readers split there',
  },
  {
    name: 'NUL in :path',
    frames: of({ ':path': '/a\0b' }),
    outcome: 'refused',
    why: 'some readers end there',
  },
  {
    name: 'a fragment in :path',
    frames: of({ ':path': '/a#/admin' }),
    outcome: 'refused',
    why: 'nobody knows what it means',
  },
  {
    name: 'an absolute :path',
    frames: of({ ':path': 'http://b.test/' }),
    outcome: 'refused',
    why: 'another host in the target',
  },
  {
    name: 'a :path of an authority',
    frames: of({ ':path': '@b.test/' }),
    outcome: 'refused',
    why: 'appended to a host, it names another',
  },
  {
    name: 'an empty :path',
    frames: of({ ':path': '' }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'a star in :path',
    frames: of({ ':path': '*' }),
    outcome: 'refused',
    why: 'only OPTIONS may',
  },
  {
    name: 'dots in :path',
    frames: of({ ':path': '/x/../admin' }),
    outcome: 'forwarded',
    sees: ['POST /admin HTTP/1.1', 'Host: a.test'],
    why: 'one spelling, matched and sent',
  },
  {
    name: ':path twice',
    frames: of({}, [':path', '/admin']),
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  {
    name: ':method twice',
    frames: [head([[':method', 'GET'], ...fields({})])],
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  {
    name: 'no :path',
    frames: of({ ':path': undefined }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'no :method',
    frames: of({ ':method': undefined }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'no :scheme',
    frames: of({ ':scheme': undefined }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'a URL in :scheme',
    frames: of({ ':scheme': 'http://a.test/admin?' }),
    outcome: 'refused',
    why: 'some build a URL of it',
  },
  {
    name: 'CRLF in :scheme',
    frames: of({ ':scheme': 'http\r\nx: y' }),
    outcome: 'refused',
    why: 'no scheme',
  },
  {
    name: 'another :scheme',
    frames: of({ ':scheme': 'ftp' }),
    outcome: 'refused',
    status: 400,
    why: 'not what is spoken here',
  },
  {
    name: 'a pseudo field behind others',
    frames: [
      head([
        [':method', 'GET'],
        [':scheme', 'http'],
        ['x', 'y'],
        [':path', '/'],
        [':authority', 'a.test'],
      ]),
    ],
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  {
    name: 'an unknown pseudo field',
    frames: of({ ':x': 'y' }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  {
    name: ':status in a request',
    frames: of({ ':status': '200' }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  // ── the host ─────────────────────────────────────────────────────────────────────────────────
  {
    name: 'CRLF in :authority',
    frames: of({ ':authority': 'a.test\r\nx: y' }),
    outcome: 'refused',
    why: 'a line of its own',
  },
  {
    name: 'a path in :authority',
    frames: of({ ':authority': 'a.test/admin?' }),
    outcome: 'refused',
    why: 'no host',
  },
  {
    name: 'a user in :authority',
    frames: of({ ':authority': 'a.test@b.test' }),
    outcome: 'refused',
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'an empty :authority',
    frames: of({ ':authority': '' }),
    outcome: 'refused',
    why: 'no host',
  },
  {
    name: 'no :authority and no host',
    frames: of({ ':authority': undefined }),
    outcome: 'refused',
    why: 'HTTP/1.1 needs one',
  },
  {
    name: 'host in its place',
    frames: of({ ':authority': undefined }, ['host', 'a.test']),
    outcome: 'forwarded',
    sees: plain,
    why: 'RFC 9113 §8.3.1',
  },
  {
    name: 'another host',
    frames: of({}, ['host', 'b.test']),
    outcome: 'refused',
    status: 400,
    why: 'routed by one, served by the other',
  },
  {
    name: 'the same host',
    frames: of({}, ['host', 'a.test']),
    outcome: 'forwarded',
    sees: plain,
    why: 'one Host goes upstream',
  },
  {
    name: 'host twice',
    frames: of({}, ['host', 'a.test'], ['host', 'a.test']),
    outcome: 'refused',
    why: 'HTTP/1.1 has one',
  },
  {
    name: 'another port in host',
    frames: of({}, ['host', 'a.test:81']),
    outcome: 'refused',
    status: 400,
    why: 'another authority',
  },
  {
    name: ':authority twice',
    frames: of({}, [':authority', 'b.test']),
    outcome: 'refused',
    why: 'RFC 9113 §8.3',
  },
  // ── fields ───────────────────────────────────────────────────────────────────────────────────
  {
    name: 'CRLF in a value',
    frames: of({}, ['x', `y\r\n\r\n${smuggled}`]),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out by nghttp2',
  },
  {
    name: 'LF in a value',
    frames: of({}, ['x', 'y\nz: a']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'CR in a value',
    frames: of({}, ['x', 'y\rz: a']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'NUL in a value',
    frames: of({}, ['x', 'y\0z']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'CRLF in a name',
    frames: of({}, ['x\r\ny', 'z']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'a colon in a name',
    frames: of({}, ['host: b.test\r\nx', 'y']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'a colon behind a name',
    frames: of({}, ['host:', 'b.test']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out',
  },
  {
    name: 'an empty name',
    frames: of({}, ['', 'GET /admin HTTP/1.1']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out: it would be a line that begins with a colon',
  },
  {
    name: 'a request line for a name',
    frames: of({}, ['get /admin http/1.1', 'x']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out: no token',
  },
  {
    name: 'white space in front of a value',
    frames: of({}, ['x', ' y']),
    outcome: 'forwarded',
    sees: plain,
    why: 'left out (RFC 9113 §8.2.1)',
  },
  {
    name: 'an upper-case name',
    frames: of({}, ['X-Y', 'z']),
    outcome: 'refused',
    why: 'RFC 9113 §8.2.1',
  },
  {
    name: 'connection',
    frames: of({}, ['connection', 'close, x-forwarded-for']),
    outcome: 'refused',
    why: 'RFC 9113 §8.2.2',
  },
  {
    name: 'keep-alive',
    frames: of({}, ['keep-alive', 'timeout=1']),
    outcome: 'refused',
    why: 'RFC 9113 §8.2.2',
  },
  {
    name: 'proxy-connection',
    frames: of({}, ['proxy-connection', 'keep-alive']),
    outcome: 'refused',
    why: 'RFC 9113 §8.2.2',
  },
  {
    name: 'upgrade',
    frames: of({}, ['upgrade', 'h2c']),
    outcome: 'refused',
    why: 'a way around every rule here',
  },
  {
    name: 'upgrade, and HTTP2-Settings',
    frames: of({}, ['http2-settings', 'AAMAAABkAAQAAP__']),
    outcome: 'forwarded',
    sees: plain,
    why: 'of one hop: taken out',
  },
  {
    name: 'te with more',
    frames: of({}, ['te', 'trailers, chunked']),
    outcome: 'refused',
    why: 'RFC 9113 §8.2.2',
  },
  {
    name: 'expect',
    frames: of({}, ['expect', 'x']),
    outcome: 'refused',
    status: 417,
    why: 'the only expectation is 100-continue',
  },
  {
    name: 'cookies with a line end',
    frames: of({}, ['cookie', 'a=1'], ['cookie', 'b=2\r\nx: y']),
    outcome: 'forwarded',
    sees: [...plain, 'cookie: a=1'],
    why: 'the crumb is left out',
  },
  {
    name: 'cookies',
    frames: of({}, ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2']),
    outcome: 'forwarded',
    sees: [...plain, 'x: y', 'cookie: a=1; b=2'],
    why: 'one field in HTTP/1.1',
  },
  {
    name: 'what a proxy says',
    frames: of({}, ['x-forwarded-for', '6.6.6.6'], ['x_forwarded_for', '6.6.6.6']),
    outcome: 'refused',
    status: 400,
    why: 'an underscore for a hyphen',
  },
  {
    name: 'the proxy of CGI applications',
    frames: of({}, ['proxy', 'http://b.test']),
    outcome: 'forwarded',
    sees: plain,
    why: 'httpoxy',
  },
  // ── methods ──────────────────────────────────────────────────────────────────────────────────
  {
    name: 'CONNECT',
    frames: [
      head(
        [
          [':method', 'CONNECT'],
          [':authority', 'b.test:22'],
        ],
        flag.endHeaders,
      ),
    ],
    outcome: 'refused',
    status: 405,
    why: 'Weir is no forward proxy',
  },
  {
    name: 'CONNECT with a path',
    frames: of({ ':method': 'CONNECT' }),
    outcome: 'refused',
    why: 'RFC 9113 §8.5',
  },
  {
    name: 'an extended CONNECT to another protocol',
    frames: [head(fields({ ':method': 'CONNECT', ':protocol': 'connect-tcp' }), flag.endHeaders)],
    outcome: 'refused',
    status: 405,
    why: 'only WebSockets',
  },
  {
    name: ':protocol with CRLF',
    frames: [
      head(fields({ ':method': 'CONNECT', ':protocol': 'websocket\r\nx: y' }), flag.endHeaders),
    ],
    outcome: 'refused',
    why: 'only WebSockets',
  },
  {
    name: ':protocol without CONNECT',
    frames: of({ ':protocol': 'websocket' }),
    outcome: 'refused',
    why: 'RFC 8441 §4',
  },
  {
    name: 'TRACE',
    frames: of({ ':method': 'TRACE' }),
    outcome: 'refused',
    status: 405,
    why: 'shows fields to scripts',
  },
  {
    name: 'PRI',
    frames: of({ ':method': 'PRI', ':path': '*' }),
    outcome: 'refused',
    why: 'the preface, upstream',
  },
  // ── trailers ─────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a pseudo field in trailers',
    frames: [head(fields({}), flag.endHeaders), data('x', false), head([[':path', '/admin']])],
    outcome: 'refused',
    why: 'RFC 9113 §8.1',
  },
  {
    name: 'framing in trailers',
    frames: [
      head(fields({}), flag.endHeaders),
      data('x', false),
      head([['transfer-encoding', 'chunked']]),
    ],
    outcome: 'refused',
    why: 'RFC 9113 §8.2.2',
  },
  {
    name: 'a host in trailers',
    frames: [
      head(fields({}), flag.endHeaders),
      data('x', false),
      head([
        ['authorization', 'x'],
        ['cookie', 'x'],
      ]),
    ],
    outcome: 'forwarded',
    sees: chunked,
    body: 'x',
    why: 'fields that mean something in a head are taken out',
  },
  {
    name: 'CRLF in trailers',
    frames: [
      head(fields({}), flag.endHeaders),
      data('x', false),
      head([['x', `y\r\n\r\n${smuggled}`]]),
    ],
    outcome: 'forwarded',
    sees: chunked,
    body: 'x',
    why: 'left out by nghttp2',
  },
  {
    name: 'trailers that do not end the stream',
    frames: [
      head(fields({}), flag.endHeaders),
      data('x', false),
      head([['x', 'y']], flag.endHeaders),
    ],
    outcome: 'refused',
    why: 'RFC 9113 §8.1: a second head in the middle',
  },
  {
    name: 'DATA behind the end',
    frames: [head(fields({ ':method': 'GET' })), data(smuggled)],
    outcome: 'refused',
    why: 'RFC 9113 §5.1',
  },
]
