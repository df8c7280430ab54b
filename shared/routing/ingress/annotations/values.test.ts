import t from 'tap'
import {
  type Parser,
  parseAge,
  parseBool,
  parseChoice,
  parseCidrs,
  parseCookieName,
  parseDuration,
  parseHeaderLines,
  parseHeaderNames,
  parseLiteralUrl,
  parseLocation,
  parsePath,
  parseReference,
  parseRewriteTarget,
  parseSeconds,
  parseSize,
} from './values.ts'

const refused = Symbol('refused')

interface Row {
  readonly parse: Parser<unknown>
  readonly text: string
  readonly value: unknown
  readonly why: string
}

const rows: readonly Row[] = [
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => ({
    parse: parseBool,
    text,
    value: true,
    why: 'Go ParseBool',
  })),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => ({
    parse: parseBool,
    text,
    value: false,
    why: 'Go ParseBool',
  })),
  ...['yes', 'on', '', 'tRUE', '2'].map((text) => ({
    parse: parseBool,
    text,
    value: refused,
    why: 'not Go ParseBool',
  })),

  { parse: parseSeconds, text: '60', value: 60_000, why: 'in ms' },
  { parse: parseSeconds, text: '60s', value: refused, why: 'ingress-nginx takes no unit' },
  { parse: parseSeconds, text: '0', value: refused, why: 'no time at all serves nothing' },
  { parse: parseSeconds, text: '-1', value: refused, why: 'negative' },
  { parse: parseSeconds, text: '9999999', value: refused, why: 'beyond what setTimeout takes' },

  { parse: parseDuration, text: '500ms', value: 500, why: 'ms' },
  { parse: parseDuration, text: '2m', value: 120_000, why: 'minutes' },
  { parse: parseDuration, text: '1h', value: 3_600_000, why: 'hours' },
  { parse: parseDuration, text: '5', value: 5000, why: 'seconds without a unit' },
  { parse: parseDuration, text: '0s', value: refused, why: 'no time at all' },
  { parse: parseDuration, text: '1d', value: refused, why: 'unknown unit' },
  { parse: parseDuration, text: '1h30m', value: refused, why: 'one unit only' },
  { parse: parseDuration, text: '999999999h', value: refused, why: 'beyond what setTimeout takes' },

  { parse: parseSize, text: '8m', value: 8 * 2 ** 20, why: 'MiB' },
  { parse: parseSize, text: '1G', value: 2 ** 30, why: 'in any case' },
  { parse: parseSize, text: '512k', value: 524_288, why: 'KiB' },
  { parse: parseSize, text: '10b', value: 10, why: 'bytes' },
  { parse: parseSize, text: '1024', value: 1024, why: 'bytes without a unit' },
  { parse: parseSize, text: '0', value: 0, why: 'no limit' },
  { parse: parseSize, text: '8mb', value: refused, why: 'nginx has one letter' },
  { parse: parseSize, text: '1.5m', value: refused, why: 'whole numbers only' },
  { parse: parseSize, text: '999999999999g', value: refused, why: 'not a safe integer' },

  { parse: parseAge, text: '0', value: 0, why: 'a session cookie' },
  { parse: parseAge, text: '172800', value: 172_800, why: 'two days' },
  { parse: parseAge, text: '1h', value: refused, why: 'seconds only' },

  { parse: parseCidrs, text: '10.0.0.0/8', value: ['10.0.0.0/8'], why: 'one' },
  {
    parse: parseCidrs,
    text: '10.0.0.0/8, 192.0.2.1,\n2001:db8::/32,',
    value: ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'],
    why: 'commas and white space',
  },
  {
    parse: parseCidrs,
    text: '',
    value: refused,
    why: 'an empty list is a template without a value',
  },
  { parse: parseCidrs, text: ' , ', value: refused, why: 'so is this' },
  {
    parse: parseCidrs,
    text: '10.0.0.0/8,example.com',
    value: refused,
    why: 'one bad entry spoils the list',
  },

  { parse: parseChoice({ Lax: 'x' }), text: 'lax', value: 'x', why: 'in any case' },
  {
    parse: parseChoice({ Lax: 'x' }),
    text: 'constructor',
    value: refused,
    why: 'no words of the prototype',
  },

  {
    parse: parseReference,
    text: 'https://B.test:8443/x?y',
    value: { scheme: 'https', host: 'b.test', port: 8443, path: '/x?y' },
    why: 'whole',
  },
  {
    parse: parseReference,
    text: '//b.test',
    value: { host: 'b.test' },
    why: 'the rest comes from the request',
  },
  { parse: parseReference, text: '/x', value: { path: '/x' }, why: 'a path only' },
  {
    parse: parseReference,
    text: 'https://[2001:db8::1]/',
    value: { scheme: 'https', host: '[2001:db8::1]', path: '/' },
    why: 'IPv6',
  },
  {
    parse: parseReference,
    text: 'https://$host$request_uri',
    value: { scheme: 'https', keepsPort: false },
    why: 'the two variables we know',
  },
  { parse: parseReference, text: '', value: refused, why: 'nowhere' },
  { parse: parseReference, text: 'b.test', value: refused, why: 'host or path?' },
  { parse: parseReference, text: 'javascript:alert(1)', value: refused, why: 'not http' },
  { parse: parseReference, text: 'https://user@b.test/', value: refused, why: 'no user' },
  { parse: parseReference, text: 'https://b.test/$uri', value: refused, why: 'unknown variable' },
  { parse: parseReference, text: 'https://b.test:99999/', value: refused, why: 'no such port' },
  { parse: parseReference, text: 'https://b.test:0/', value: refused, why: 'no such port' },
  {
    parse: parseReference,
    text: 'https://b.test/\r\nset-cookie: x',
    value: refused,
    why: 'CVE-2021-25742: no line ends',
  },
  { parse: parseReference, text: 'https://b.test/é', value: refused, why: 'visible ASCII only' },
  { parse: parseReference, text: 'https://-b-.test-/', value: refused, why: 'not a host' },

  {
    parse: parseLiteralUrl,
    text: 'https://b.test',
    value: { scheme: 'https', host: 'b.test', path: '' },
    why: 'literal: no path is added',
  },
  {
    parse: parseLiteralUrl,
    text: 'https://b.test$request_uri',
    value: { scheme: 'https', host: 'b.test' },
    why: 'path and query are kept',
  },
  { parse: parseLiteralUrl, text: '/x', value: refused, why: 'ingress-nginx asks for http(s)' },
  {
    parse: parseLiteralUrl,
    text: '//b.test',
    value: refused,
    why: 'ingress-nginx asks for http(s)',
  },
  {
    parse: parseLiteralUrl,
    text: 'https://b.test/x;}return 200',
    value: refused,
    why: 'nginx text (CVE-2023-5044)',
  },

  { parse: parsePath, text: '/a/b.c', value: '/a/b.c', why: 'a path' },
  { parse: parsePath, text: 'a', value: refused, why: 'no slash' },
  { parse: parsePath, text: '//evil.test', value: refused, why: 'that is a host' },
  { parse: parsePath, text: '/a; Domain=b', value: refused, why: 'ends a cookie attribute' },
  { parse: parsePath, text: '/a?b', value: refused, why: 'a query' },
  { parse: parsePath, text: '/a#b', value: refused, why: 'a fragment' },
  { parse: parseLocation, text: '/a?b', value: '/a?b', why: 'a query is fine for a Location' },
  {
    parse: parseLocation,
    text: '//evil.test',
    value: refused,
    why: 'a client would go to that host',
  },
  { parse: parseLocation, text: '/a b', value: refused, why: 'a space' },

  { parse: parseRewriteTarget, text: '/$1', value: '/$1', why: 'a group' },
  { parse: parseRewriteTarget, text: '$1', value: '$1', why: 'a group with its slash' },
  { parse: parseRewriteTarget, text: '/x?id=$2', value: '/x?id=$2', why: 'a query part' },
  { parse: parseRewriteTarget, text: '/$uri', value: refused, why: 'a variable' },
  { parse: parseRewriteTarget, text: '/$0', value: refused, why: 'nginx has no group 0' },
  { parse: parseRewriteTarget, text: 'x', value: refused, why: 'no slash' },
  { parse: parseRewriteTarget, text: '/x y', value: refused, why: 'a space' },
  { parse: parseRewriteTarget, text: '/x"; return 200;\n', value: refused, why: 'nginx text' },
  { parse: parseRewriteTarget, text: '', value: refused, why: 'empty' },

  { parse: parseCookieName, text: 'route', value: 'route', why: 'a token' },
  { parse: parseCookieName, text: 'a=b', value: refused, why: 'a separator' },
  { parse: parseCookieName, text: 'a;b', value: refused, why: 'a separator' },
  { parse: parseCookieName, text: '', value: refused, why: 'empty' },

  {
    parse: parseHeaderLines,
    text: 'X-A: 1\n\n x-b : 2 ',
    value: refused,
    why: 'a space before the colon',
  },
  {
    parse: parseHeaderLines,
    text: 'X-A: 1\n\n x-b: a: b ',
    value: [
      ['x-a', '1'],
      ['x-b', 'a: b'],
    ],
    why: 'lines are trimmed',
  },
  { parse: parseHeaderLines, text: 'x-a:', value: [['x-a', '']], why: 'an empty value is a value' },
  { parse: parseHeaderLines, text: 'x-a', value: refused, why: 'no colon' },
  { parse: parseHeaderLines, text: '', value: refused, why: 'nothing' },
  { parse: parseHeaderLines, text: 'x-a: 1\rhost: b', value: refused, why: 'a bare CR' },
  { parse: parseHeaderLines, text: 'transfer-encoding: chunked', value: refused, why: 'framing' },
  { parse: parseHeaderLines, text: 'Content-Length: 0', value: refused, why: 'framing' },
  { parse: parseHeaderLines, text: 'host: b.test', value: refused, why: 'routing' },
  { parse: parseHeaderLines, text: 'x-a: é', value: refused, why: 'not ASCII' },

  {
    parse: parseHeaderNames,
    text: 'Server, X-Powered-By',
    value: ['server', 'x-powered-by'],
    why: 'lower case',
  },
  { parse: parseHeaderNames, text: 'server connection', value: refused, why: 'the connection’s' },
  { parse: parseHeaderNames, text: 'a:b', value: refused, why: 'no name' },
  { parse: parseHeaderNames, text: '', value: refused, why: 'nothing' },
]

for (const { parse, text, value, why } of rows) {
  const name = parse.name === '' ? 'a choice' : parse.name
  t.test(
    `${name} ${value === refused ? 'refuses' : 'takes'} ${JSON.stringify(text)}: ${why}`,
    async (t) => {
      const result = parse(text)
      if (value === refused) t.ok(!result.ok && /^(must|may) /.test(result.reason), 'with a reason')
      else t.same(result, { ok: true, value })
    },
  )
}
