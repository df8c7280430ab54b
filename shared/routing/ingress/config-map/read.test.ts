// What does each key of the ConfigMap do to the defaults, and what is said of keys and values that are wrong?
import t from 'tap'
import type { ConfigMap } from '../../../kube/objects.ts'
import type { ServerHeader } from '../../serving-rules.ts'
import { usualTypes } from '../compressors.ts'
import type { IngressDefaults } from '../defaults.ts'
import { defaultsLike, readConfigMap } from './read.ts'
import { configMapRows } from './table.ts'

function mapOf(data: unknown): ConfigMap {
  const metadata = { namespace: 'ingress-nginx', name: 'controller' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as ConfigMap
}

const readings: readonly {
  readonly key: string
  readonly value: string
  readonly gives: IngressDefaults
}[] = [
  { key: 'ssl-redirect', value: 'false', gives: { sslRedirect: false } },
  { key: 'force-ssl-redirect', value: 'True', gives: { forceSslRedirect: true } },
  { key: 'http-redirect-code', value: '301', gives: { sslRedirectStatus: 301 } },
  { key: 'proxy-body-size', value: '8m', gives: { limits: { maxBodyBytes: 8 << 20 } } },
  { key: 'proxy-body-size', value: '0', gives: { limits: { maxBodyBytes: 0 } } },
  { key: 'proxy-connect-timeout', value: '3', gives: { limits: { connectMs: 3000 } } },
  { key: 'proxy-read-timeout', value: ' 30 ', gives: { limits: { readMs: 30_000 } } },
  { key: 'proxy-send-timeout', value: '30', gives: { limits: { sendMs: 30_000 } } },
  {
    key: 'whitelist-source-range',
    value: '10.0.0.0/8, ::1',
    gives: { allow: ['10.0.0.0/8', '::1'] },
  },
  { key: 'limit-req-status-code', value: '429', gives: { rateStatus: 429 } },
  { key: 'limit-conn-status-code', value: '429', gives: { connectionsStatus: 429 } },
  { key: 'limit-rate', value: '10', gives: { limitRate: 10 } },
  { key: 'limit-rate-after', value: '5', gives: { limitRateAfter: 5 } },
  { key: 'use-gzip', value: 'true', gives: { gzip: { isOn: true } } },
  { key: 'gzip-level', value: '9', gives: { gzip: { level: 9 } } },
  { key: 'gzip-min-length', value: '100', gives: { gzip: { minBytes: 100 } } },
  { key: 'gzip-types', value: 'text/css *', gives: { gzip: { types: ['text/css', '*/*'] } } },
  { key: 'gzip-types', value: '', gives: { gzip: { types: usualTypes } } },
  {
    key: 'gzip-disable',
    value: 'msie6',
    gives: { gzip: { exceptAgents: String.raw`MSIE [456]\.` } },
  },
  { key: 'enable-brotli', value: 'true', gives: { brotli: { isOn: true } } },
  { key: 'brotli-level', value: '11', gives: { brotli: { level: 11 } } },
  { key: 'brotli-min-length', value: '24', gives: { brotli: { minBytes: 24 } } },
  { key: 'brotli-types', value: 'Text/CSS', gives: { brotli: { types: ['text/css'] } } },
  { key: 'proxy-buffer-size', value: '16k', gives: { limits: { responseHeadBytes: 16384 } } },
  { key: 'proxy-buffering', value: 'on', gives: {} },
  {
    key: 'proxy-request-buffering',
    value: 'on',
    gives: { limits: { bufferBytes: 64 << 10, spills: true } },
  },
  {
    key: 'proxy-request-buffering',
    value: 'off',
    gives: { limits: { bufferBytes: 0, spills: false } },
  },
  { key: 'client-body-buffer-size', value: '1m', gives: {} },
  { key: 'proxy-busy-buffers-size', value: '', gives: {} },
  { key: 'proxy-max-temp-file-size', value: '0', gives: {} },
  { key: 'whitelist-source-range', value: '', gives: { allow: [] } },
  {
    key: 'block-user-agents',
    value: '~*bot, Alpha',
    gives: { blockedClients: { userAgents: ['~*bot', 'Alpha'] } },
  },
  { key: 'block-referers', value: 'x', gives: { blockedClients: { referers: ['x'] } } },
  { key: 'block-cidrs', value: '192.0.2.1', gives: { blocked: ['192.0.2.1'] } },
  {
    key: 'annotation-value-word-blocklist',
    value: 'load_module, {,',
    gives: { forbiddenWords: ['load_module', '{'] },
  },
  { key: 'denylist-source-range', value: '192.0.2.1', gives: { deny: ['192.0.2.1'] } },
  { key: 'add-headers', value: 'edge/more', gives: { headers: { responseMap: 'edge/more' } } },
  { key: 'proxy-set-headers', value: 'edge/up', gives: { headers: { requestMap: 'edge/up' } } },
  { key: 'hide-headers', value: 'X-A, X-B', gives: { headers: { hide: ['x-a', 'x-b'] } } },
  { key: 'hide-headers', value: '', gives: { headers: {} } },
  { key: 'hsts', value: 'false', gives: { hsts: { isOn: false } } },
  { key: 'hsts-max-age', value: '86400', gives: { hsts: { maxAgeSeconds: 86_400 } } },
  {
    key: 'hsts-include-subdomains',
    value: 'false',
    gives: { hsts: { includesSubdomains: false } },
  },
  { key: 'hsts-preload', value: 'true', gives: { hsts: { isPreload: true } } },
  ...(
    [
      ['enable-opentelemetry', 'true', { isOn: true }],
      ['opentelemetry-trust-incoming-span', 'false', { trustsIncoming: false }],
      ['opentelemetry-operation-name', 'a $uri', { name: ['a ', { from: 'path' }] }],
      ['otel-sampler', 'AlwaysOff', { sampler: 'off' }],
      ['otel-sampler', 'TraceIdRatioBased', { sampler: 'ratio' }],
      ['otel-sampler-ratio', '0.5', { ratio: 0.5 }],
      ['otel-sampler-parent-based', 'false', { isParentBased: false }],
    ] as const
  ).map(([key, value, trace]) => ({ key, value, gives: { trace } })),
  ...(
    [
      ['use-forwarded-headers', 'true', { believesForwarded: true }],
      ['enable-real-ip', 'true', { believesAddress: true }],
      ['proxy-real-ip-cidr', '10.0.0.0/8', { believedNetworks: ['10.0.0.0/8'] }],
      ['proxy-real-ip-cidr', '0.0.0.0/0', { believedNetworks: ['0.0.0.0/0', '::/0'] }],
      ['forwarded-for-header', 'CF-Connecting-IP', { forwardedForField: 'cf-connecting-ip' }],
      ['compute-full-forwarded-for', 'true', { keepsForwardedChain: true }],
      ['proxy-add-original-uri-header', 'true', { addsOriginalUri: true }],
      ['generate-request-id', 'false', { generatesRequestId: false }],
      ['enable-underscores-in-headers', 'true', { dropsUnderscores: false }],
      ['keep-alive', '2', { keepAliveTimeoutMs: 2000 }],
      ['client-header-timeout', '3', { headerTimeoutMs: 3000 }],
      ['client-body-timeout', '4', { bodyIdleTimeoutMs: 4000 }],
      ['upstream-keepalive-timeout', '1', { upstreamIdleTimeoutMs: 1000 }],
      ['disable-access-log', 'true', { log: { isOff: true } }],
      ['disable-http-access-log', 'true', { log: { isOff: true } }],
      ['skip-access-log-urls', '/healthz, ~^/x', { log: { skips: ['/healthz', '~^/x'] } }],
      ['enable-access-log-for-default-backend', 'false', { log: { skipsUnrouted: true } }],
      ['enable-access-log-for-default-backend', 'true', { log: { skipsUnrouted: false } }],
      ['log-format-escape-json', 'true', { log: { escaping: 'json' } }],
      ['log-format-escape-none', 'true', { log: { escaping: 'none' } }],
      [
        'log-format-upstream',
        '{"s": $status}',
        { log: { format: ['{"s": ', { variable: 'status' }, '}'] } },
      ],
      ['otlp-collector-host', 'otel.test', { spans: { host: 'otel.test' } }],
      ['otlp-collector-host', 'fd00::7', { spans: { host: 'fd00::7' } }],
      ['otlp-collector-port', '4317', { spans: { port: 4318 } }],
      ['otlp-collector-port', '9411', { spans: { port: 9411 } }],
      ['otel-service-name', 'edge', { spans: { serviceName: 'edge' } }],
      ['otel-max-queuesize', '10', { spans: { maxQueue: 10 } }],
      ['otel-schedule-delay-millis', '100', { spans: { delayMs: 100 } }],
      ['otel-max-export-batch-size', '5', { spans: { maxBatch: 5 } }],
      ['server-tokens', 'true', { serverHeader: 'own' }],
      ['server-tokens', 'false', { serverHeader: 'none' }],
      ['allow-backend-server-header', 'true', { serverHeader: 'pass' }],
      ['allow-backend-server-header', 'false', { serverHeader: 'own' }],
    ] as const
  ).map(([key, value, serving]) => ({ key, value, gives: { serving } })),
]

for (const { key, value, gives } of readings) {
  t.test(`${key}: ${JSON.stringify(value)}`, async (t) => {
    const { defaults, problems } = readConfigMap(mapOf({ [key]: value }), undefined)
    t.strictSame(defaults, gives)
    t.strictSame(problems, [])
  })
}

const wrong: readonly {
  readonly data: unknown
  readonly says: RegExp
  readonly remedy?: RegExp
  readonly closes?: true
  readonly why: string
}[] = [
  {
    data: { 'proxy-body-size': 'big' },
    says: /^The value "big" must be a size .* Its default counts\.$/,
    remedy: /^Write it as: /,
    why: 'a size that is none',
  },
  {
    data: { 'gzip-level': '10' },
    says: /"10" must be a whole number from 1 to 9\. Its default counts/,
    why: 'more than there is',
  },
  {
    data: { 'gzip-types': 'css' },
    says: /must be media types/,
    why: 'no media type',
  },
  {
    data: { 'gzip-disable': '(' },
    says: /must be a pattern of user agents/,
    why: 'no pattern',
  },
  {
    data: { 'limit-req-status-code': '200' },
    says: /must be a whole number from 400 to 599/,
    why: 'a refusal is no success',
  },
  {
    data: { 'proxy-read-timeout': '60s' },
    says: /"60s" must be whole seconds/,
    why: 'nginx takes no unit',
  },
  {
    data: { 'skip-access-log-urls': '~(' },
    says: /has a pattern that cannot be used/,
    why: 'a pattern that is none',
  },
  {
    data: { 'otlp-collector-host': 'http://otel:4317' },
    says: /must be the name or the address of a host/,
    why: 'a URL is no host',
  },
  {
    data: { 'otel-sampler': 'remote' },
    says: /must be one of: AlwaysOn, AlwaysOff, TraceIdRatioBased/,
    why: 'a sampler that nobody has',
  },
  { data: { 'otel-sampler-ratio': '1.5' }, says: /from 0 to 1/, why: 'more than all' },
  {
    data: { 'opentelemetry-operation-name': '$nobody' },
    says: /\$nobody, which is none of/,
    why: 'a variable that is not known',
  },
  { data: { 'proxy-read-timeout': 60 }, says: /is not text/, why: 'YAML made it a number' },
  {
    data: { 'proxy-body-size': 'x'.repeat(81) },
    says: /^The value "x{80}…" must be/,
    why: 'a long value is cut, and one sees it',
  },
  { data: { 'http-redirect-code': '303' }, says: /must be one of/, why: 'a status it refuses' },
  {
    data: { 'denylist-source-range': '10.0.0.0/33' },
    says: /10\.0\.0\.0\/33.* All routes answer 503/,
    closes: true,
    why: 'who is meant to be kept out is not let in',
  },
  {
    data: { 'whitelist-source-range': 'office' },
    says: /All routes answer 503/,
    closes: true,
    why: 'who is meant to be let in is not known',
  },
  {
    data: { 'block-user-agents': '~(?=x)' },
    says: /has a pattern that cannot be used/,
    closes: true,
    why: 'look-around is none of RE2',
  },
  {
    data: { 'forwarded-for-header': 'X-Tenant' },
    says: /must be X-Forwarded-For or another field/,
    closes: true,
    why: 'nobody writes an address into it',
  },
  {
    data: { 'http-snippet': 'limit_req_zone x;' },
    says: /does not support it\. All routes answer 503/,
    remedy: /Raw text of nginx/,
    closes: true,
    why: 'text of nginx may protect',
  },
  {
    data: { 'worker-processes': '8' },
    says: /^Weir knows this key, and it has no effect\.$/,
    remedy: /--workers/,
    why: 'tuning has no effect',
  },
  {
    data: { 'proxy-body-sise': '1m' },
    says: /does not know this key/,
    remedy: /Did you mean proxy-body-size\?/,
    why: 'a slip of the keys',
  },
]

for (const { data, says, remedy = /./, closes, why } of wrong) {
  t.test(why, async (t) => {
    const { defaults, problems } = readConfigMap(mapOf(data), 'ingress-nginx')
    const { closed, ...rest } = defaults
    t.strictSame(rest, defaultsLike('ingress-nginx'), 'every default stays')
    t.equal(closed !== undefined, closes === true)
    t.match(problems, [
      {
        reason: /^(invalid|unknown)-config-key$/,
        kind: 'ConfigMap',
        namespace: 'ingress-nginx',
        name: 'controller',
        field: /^data\["/,
        message: says,
        remedy,
      },
    ])
  })
}

t.test('a log format with a variable that nobody knows counts, and is reported', async (t) => {
  const data = { 'log-format-upstream': '$status $ssl_cipher $geoip_city_name $ssl_cipher' }
  const { defaults, problems } = readConfigMap(mapOf(data), undefined)
  const unknown = { variable: 'unknown' } as const
  const format = [{ variable: 'status' }, ' ', unknown, ' ', unknown, ' ', unknown] as const
  t.strictSame(defaults, { serving: { log: { format } } })
  t.match(problems, [
    {
      reason: 'invalid-config-key',
      field: 'data["log-format-upstream"]',
      message: /has \$ssl_cipher, \$geoip_city_name, which Weir does not know: nothing is written/,
    },
  ])
})

t.test('a ConfigMap of any shape is read', async (t) => {
  for (const data of [undefined, null, [], 'text', { 'ssl-redirect': null }]) {
    t.strictSame(readConfigMap(mapOf(data), undefined), { defaults: {}, problems: [] })
  }
})

t.test(
  'the initial value of every key can be read, and stands for no more than itself',
  async (t) => {
    for (const row of configMapRows) {
      if ('inert' in row) continue
      const initial = row.read(row.initial, {})
      t.equal(typeof initial, row.initial === '' ? typeof initial : 'object', row.key)
    }
    // What an option holds is said by the option.
    const own = configMapRows.filter(({ option }) => option === undefined)
    const { defaults } = readConfigMap(
      mapOf(Object.fromEntries(own.map(({ key, initial }) => [key, initial]))),
      'ingress-nginx',
    )
    t.same(
      defaults,
      {
        ...defaultsLike('ingress-nginx'),
        allow: [],
        deny: [],
        blocked: [],
        forbiddenWords: [],
        headers: {},
        blockedClients: { userAgents: [], referers: [] },
        customErrors: [],
        allowedResponseHeaders: [],
      },
      'a ConfigMap that says what is so anyway changes nothing',
    )
  },
)

const servers: readonly {
  readonly data: Readonly<Record<string, string>>
  readonly is: ServerHeader | undefined
  readonly why: string
}[] = [
  { data: { 'server-tokens': 'true' }, is: 'own', why: 'nginx names itself' },
  {
    data: { 'server-tokens': 'true', 'allow-backend-server-header': 'true' },
    is: 'pass',
    why: 'the application names itself',
  },
  {
    data: { 'server-tokens': 'false', 'allow-backend-server-header': 'true' },
    is: 'none',
    why: 'nginx takes every Server out',
  },
  {
    data: { 'allow-backend-server-header': 'true' },
    is: undefined,
    why: 'without server-tokens none is let through',
  },
]

for (const { data, is, why } of servers) {
  t.test(`Server, like ingress-nginx: ${why}`, async (t) => {
    t.equal(readConfigMap(mapOf(data), 'ingress-nginx').defaults.serving?.serverHeader, is)
  })
}

t.test('what --like ingress-nginx sets', async (t) => {
  t.match(defaultsLike('ingress-nginx'), {
    like: 'ingress-nginx',
    sslRedirect: true,
    forceSslRedirect: false,
    sslRedirectStatus: 308,
    limits: { maxBodyBytes: 1 << 20 },
  })
  t.strictSame(defaultsLike(undefined), {})
})

t.test('no key is in the table twice', async (t) => {
  const keys = configMapRows.map(({ key }) => key)
  t.strictSame([...new Set(keys)], keys)
})
