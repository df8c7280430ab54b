import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { formatCombined, formatJson } from './log-line.ts'
import { exampleRecord as example } from './testing/records.ts'

t.test('a JSON line has every field, in a fixed order', async (t) => {
  t.equal(
    formatJson(example({})),
    '{"time":"2026-11-21T09:08:07.006Z","request_id":"req-1","client":"192.0.2.7","method":"GET","host":"a.test",' +
      '"path":"/x","protocol":"HTTP/1.1","status":200,"error":"","bytes_in":3,"bytes_out":1234,"duration_ms":12.346,' +
      '"upstream_ms":11.000,"overhead_ms":0.034,"namespace":"shop","ingress":"front","service":"web",' +
      '"endpoint":"10.0.0.7:8080","retries":1,"user_agent":"curl/8","referer":"https://a.test/from"}\n',
  )
})

t.test('a request without a route has empty route fields', async (t) => {
  const fields = JSON.parse(formatJson(example({ counters: undefined, error: 'no-route' })))
  t.match(fields, { namespace: '', ingress: '', service: '', error: 'no-route' })
})

t.test('a combined line reads as Apache writes it', async (t) => {
  t.equal(
    formatCombined(example({})),
    '192.0.2.7 - - [21/Nov/2026:09:08:07 +0000] "GET /x HTTP/1.1" 200 1234 "https://a.test/from" "curl/8"\n',
  )
  t.equal(
    formatCombined(
      example({ method: '', bytesOut: 0, referer: '', userAgent: '', clientAddress: '' }),
    ),
    '- - - [21/Nov/2026:09:08:07 +0000] "-" 200 - "-" "-"\n',
    'what is missing is a dash',
  )
})

const hostile = [
  { value: 'a"b', json: 'a\\"b', hex: 'a\\x22b', why: 'a quote must not end the field' },
  { value: 'a\\', json: 'a\\\\', hex: 'a\\x5C', why: 'a backslash must not eat the quote' },
  {
    value: 'a\r\nb',
    json: 'a\\r\\nb',
    hex: 'a\\x0D\\x0Ab',
    why: 'a line end must not forge a line',
  },
  { value: '\x1b[2J', json: '\\u001b[2J', hex: '\\x1B[2J', why: 'no terminal commands' },
  { value: '\x7f\x9b', json: '\\u007f\\u009b', hex: '\\x7F\\x9B', why: 'no C1 controls either' },
  { value: 'caf\xc3\xa9', json: 'caf\\u00c3\\u00a9', hex: 'caf\\xC3\\xA9', why: 'one per byte' },
]

for (const { value, json, hex, why } of hostile) {
  t.test(`${JSON.stringify(value)} is escaped: ${why}`, async (t) => {
    t.ok(formatJson(example({ userAgent: value })).includes(`"user_agent":"${json}"`))
    t.ok(formatCombined(example({ userAgent: value })).endsWith(`"${hex}"\n`))
  })
}

t.test('a space in the path does not move the fields of a combined line', async (t) => {
  t.match(formatCombined(example({ path: '/a b' })), '"GET /a\\x20b HTTP/1.1"')
})

t.test('no query is logged', async (t) => {
  const record = example({ query: '?token=secret', referer: 'https://a.test/from?token=secret' })
  for (const line of [formatJson(record), formatCombined(record)]) t.notMatch(line, 'secret')
})

t.test('JSON.parse gives back whatever bytes came from the wire', async (t) => {
  assertProperty(
    t,
    fc.property(wire, wire, wire, wire, wire, wire, (method, host, path, id, agent, error) => {
      const line = formatJson(
        example({ method, host, path, requestId: id, userAgent: agent, error }),
      )
      const fields = JSON.parse(line)
      return (
        /^[\x20-\x7e]*\n$/.test(line) &&
        fields.method === method &&
        fields.host === host &&
        fields.path === path &&
        fields.request_id === id &&
        fields.user_agent === agent &&
        fields.error === error
      )
    }),
  )
})

const wireFields = [
  { field: 'requestId', key: 'request_id' },
  { field: 'clientAddress', key: 'client' },
  { field: 'method', key: 'method' },
  { field: 'host', key: 'host' },
  { field: 'path', key: 'path' },
  { field: 'error', key: 'error' },
  { field: 'userAgent', key: 'user_agent' },
  { field: 'referer', key: 'referer' },
] as const

for (const { field, key } of wireFields) {
  t.test(`${key} is escaped when all else is harmless`, async (t) => {
    const line = formatJson(example({ [field]: 'a"\n\x80' }))
    t.equal(JSON.parse(line)[key], 'a"\n\x80')
    t.match(line, /^[\x20-\x7e]*\n$/)
  })
}

t.test('a combined line gives back whatever bytes came from the wire', async (t) => {
  const form =
    /^192\.0\.2\.7 - - \[[^\]]+\] "(\S+) (\S*) HTTP\/1\.1" 200 1234 "([^"]+)" "([^"]+)"\n$/
  assertProperty(
    t,
    fc.property(wire, wire, wire, (method, path, userAgent) => {
      const [, ...fields] = form.exec(formatCombined(example({ method, path, userAgent }))) ?? []
      if (method === '') return true
      const [gotMethod, gotPath, , gotAgent] = fields.map(unescapeHex)
      return gotMethod === method && gotPath === path && gotAgent === (userAgent || '-')
    }),
  )
})

t.test('durations are plain decimals of the rounded value', async (t) => {
  assertProperty(
    t,
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (totalMs) => {
      const { duration_ms } = JSON.parse(formatJson(example({ totalMs })))
      return Math.abs(duration_ms - totalMs) <= 0.000501
    }),
  )
})

for (const totalMs of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
  t.test(`a duration of ${totalMs} still makes valid JSON`, async (t) => {
    t.equal(JSON.parse(formatJson(example({ totalMs }))).duration_ms, 0)
  })
}

t.test('each line has its own time', async (t) => {
  const times = [0, 999, 1000, 61_001].map(
    (ms) => JSON.parse(formatJson(example({ wallStartMs: ms }))).time,
  )
  t.strictSame(
    times,
    [0, 999, 1000, 61_001].map((ms) => new Date(ms).toISOString()),
  )
  t.match(formatCombined(example({ wallStartMs: 61_001 })), '[01/Jan/1970:00:01:01 +0000]')
})

const wire = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

function unescapeHex(text: string): string {
  return text.replace(/\\x(..)/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
}
