// How does a request read in a format of nginx, with each way of escaping, and which requests have no line?
import fc from 'fast-check'
import t from 'tap'
import { type LogEscape, nginxLogFormat, parseLogFormat } from '../../shared/routing/log-format.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { liveLogRules } from './log-rules.ts'
import { createNginxLine } from './nginx-line.ts'
import type { RequestRecord } from './record.ts'
import { RouteCounters } from './route-series.ts'
import { exampleRecord } from './testing/records.ts'

const place = {
  ...{ host: 'a.test', path: '/', main: 'web', canary: '' },
  ...{ upstream: 'shop/web:80', isUnlogged: false },
}
const names = { namespace: 'shop', ingress: 'front', service: 'web' }
const counters = new RouteCounters(names, undefined, place)

function line(
  text: string,
  changes: Partial<RequestRecord> = {},
  escaping: LogEscape = 'default',
  logsQueries = false,
): string {
  const { format } = parseLogFormat(text)
  return createNginxLine(format, { escaping, logsQueries })(exampleRecord({ counters, ...changes }))
}

t.test("ingress-nginx's own format, field by field", async (t) => {
  const user = `Basic ${Buffer.from('ada:secret').toString('base64')}`
  const loggedFields = { names: ['authorization'], values: [user] }
  t.equal(
    line(nginxLogFormat, { query: '?q=1', referer: 'https://b.test/?s=1', loggedFields }),
    '192.0.2.7 - ada [21/Nov/2026:09:08:07 +0000] "GET /x HTTP/1.1" 200 1234 "https://b.test/" "curl/8" 80 0.012 [shop-web-80] [] 10.0.0.7:8080 1234 0.014 200 req-1\n',
  )
})

t.test('a request that was not readable', async (t) => {
  const nothing = { method: '', host: '', path: '', protocol: '', userAgent: '', referer: '' }
  const none = { counters: undefined, endpoint: '', clientAddress: '', scheme: '' }
  t.equal(
    line(nginxLogFormat, { ...nothing, ...none, status: 400, bytesOut: 0, requestId: '' }),
    '- - - [21/Nov/2026:09:08:07 +0000] "" 400 0 "-" "-" 65 0.012 [-] [] - - - - -\n',
  )
})

const rows: readonly {
  readonly text: string
  readonly changes?: Partial<RequestRecord>
  readonly escaping?: LogEscape
  readonly logsQueries?: true
  readonly is: string
  readonly why: string
}[] = [
  { text: '$request_uri $args.', changes: { query: '?t=1' }, is: '/x -.', why: 'no queries' },
  {
    text: '$request_uri $args. $request',
    changes: { query: '?t=1' },
    logsQueries: true,
    is: '/x?t=1 t=1. GET /x?t=1 HTTP/1.1',
    why: 'queries where they are asked for',
  },
  { text: '$time_iso8601 $msec', is: '2026-11-21T09:08:07+00:00 1795252087.018', why: 'times' },
  {
    text: '$upstream_connect_time $upstream_header_time $upstream_response_time',
    is: '0.002 0.013 0.014',
    why: 'times of the endpoint',
  },
  {
    text: '$namespace/$ingress_name/$service_name:$service_port',
    is: 'shop/front/web:80',
    why: 'names',
  },
  {
    text: '$proxy_alternative_upstream_name',
    changes: {
      counters: new RouteCounters(names, undefined, { ...place, canary: 'shop/next:http' }),
    },
    is: 'shop-next-http',
    why: 'a canary',
  },
  { text: '$scheme://$host$uri', is: 'https://a.test/x', why: 'parts of the URL' },
  { text: '$bytes_sent $request_length', is: '1313 76', why: 'sizes with heads' },
  { text: '$nobody.', is: '-.', why: 'unknown' },
  { text: '$nobody.', escaping: 'json', is: '.', why: 'unknown, in JSON' },
  {
    text: '{"a":"$http_user_agent","n":"$http_x"}',
    changes: { userAgent: 'a"b\\c\xe9\t', loggedFields: { names: ['x'], values: [''] } },
    escaping: 'json',
    is: '{"a":"a\\"b\\\\c\\u00e9\\t","n":""}',
    why: 'a field that was not read is empty',
  },
  {
    text: '$request_id',
    changes: { requestId: 'a"b\\c\xe9\t' },
    is: 'a\\x22b\\x5Cc\\xE9\\x09',
    why: 'as nginx escapes',
  },
  {
    text: '$request_id',
    changes: { requestId: 'a"b\\c\xe9\t' },
    escaping: 'json',
    is: 'a\\"b\\\\c\\u00e9\\t',
    why: 'for JSON',
  },
  {
    text: '$request_id',
    changes: { requestId: 'a"b\\c\xe9\n' },
    escaping: 'none',
    is: 'a"b\\c\\xE9\\x0A',
    why: 'as it came, where it is printable',
  },
]

for (const { text, changes, escaping, logsQueries, is, why } of rows) {
  t.test(why, async (t) => {
    t.equal(line(text, changes, escaping, logsQueries), `${is}\n`)
  })
}

t.test('whatever a client sends, a line is one line of printable ASCII', async (t) => {
  const latin1 = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) })
  const ways = fc.constantFrom<LogEscape>('default', 'json', 'none')
  assertProperty(
    t,
    fc.property(latin1, ways, fc.string(), (value, escaping, text) => {
      const made = line(
        `${text}$http_x|$request|$host|$remote_user`,
        {
          ...{ method: value, path: value, host: value, userAgent: value },
          loggedFields: { names: ['x'], values: [value] },
        },
        escaping,
        true,
      )
      return /^[ -~]*\n$/.test(made)
    }),
  )
  t.pass('one line')
})

t.test('which requests have a line, and in which form', async (t) => {
  const options = { format: 'json', logsQueries: false } as const
  const leftOut = (
    rules: Parameters<typeof liveLogRules>[1],
    changes: Partial<RequestRecord> = {},
  ) => liveLogRules(options, rules).isLeftOut(exampleRecord(changes))
  t.equal(leftOut({}), false)
  t.equal(leftOut({ isOff: true }), true)
  t.equal(leftOut({ skips: ['/x'] }), true)
  t.equal(leftOut({ skips: ['/x'] }, { query: '?a' }), false, 'nginx compares path and query')
  t.equal(leftOut({ skips: ['~^/[a-z]$'] }), true)
  t.equal(leftOut({ skips: ['~*^/X'] }), true)
  t.equal(leftOut({ skipsUnrouted: true }), false)
  const unrouted = { error: 'no-route', counters: undefined, status: 404 }
  t.equal(leftOut({ skipsUnrouted: true }, unrouted), true)
  t.equal(leftOut({}, unrouted), false)
  const unlogged = new RouteCounters(names, undefined, { ...place, isUnlogged: true })
  t.equal(leftOut({}, { counters: unlogged }), true)

  const first = (rules: Parameters<typeof liveLogRules>[1], format: 'json' | 'nginx' = 'json') =>
    liveLogRules({ ...options, format }, rules).toLine(exampleRecord({}))[0]
  const { format } = parseLogFormat('<$status>')
  t.equal(first({}), '{')
  t.equal(first({ escaping: 'json' }), '{', 'a way of escaping is no format')
  t.equal(first({ format }), '<')
  t.equal(first({}, 'nginx'), '1', 'ingress-nginx’s own')
})
