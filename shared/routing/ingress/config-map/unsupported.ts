// Keys of the ConfigMap that Weir knows and does not act on, with what to do instead. A key leaves this list when it is supported.
import { type ConfigMapRow, ignoredKey, refusedKey } from './row.ts'

const snippet =
  'Raw text of nginx. Weir has no interpreter of it: use `weir.dev/` keys, docs/annotations.md lists them.'
const firewall =
  'Weir has no web application firewall: put one in front (AWS WAF on the load balancer), and remove the key. Ingresses with the annotation `enable-modsecurity: "false"` are served.'
const ofFirewall = true as const

/** Whose loss would let in what was meant to be kept out. */
const refusedRows: readonly ConfigMapRow[] = [
  { ...refusedKey('enable-modsecurity', 'bool', 'false', firewall), ofFirewall },
  { ...refusedKey('enable-owasp-modsecurity-crs', 'bool', 'false', firewall), ofFirewall },
  { ...refusedKey('modsecurity-snippet', 'text', '', firewall), ofFirewall },
  refusedKey('http-snippet', 'text', '', snippet),
  refusedKey('server-snippet', 'text', '', snippet),
  refusedKey('location-snippet', 'text', '', snippet),
  refusedKey('global-auth-snippet', 'text', '', snippet),
  refusedKey(
    'ssl-reject-handshake',
    'bool',
    'false',
    'Weir has no TLS listener: TLS ends at the load balancer.',
  ),
]

const tuning = 'Tuning of nginx without a counterpart here.'
const stream = 'Weir serves HTTP only.'
const atLoadBalancer = 'TLS ends at the load balancer: set it there.'
const http2 =
  'HTTP/2 is spoken with clients that ask for it (docs/http.md); its limits are options, such as --http2-max-streams.'
const noLog = 'The access log is written to stdout.'
const removed = 'ingress-nginx itself has removed it.'

type Line = readonly [key: string, value: string, initial: string, meaning: string]

const perIngress = 'Not for all Ingresses at once: use the annotation of the same name.'
const asIs = 'Not supported.'

const ignored: readonly Line[] = [
  // What annotations can say.
  ['proxy-cookie-domain', 'two names', 'off', perIngress],
  ['proxy-cookie-path', 'two paths', 'off', perIngress],
  ['proxy-redirect-from', 'URL', 'off', perIngress],
  ['proxy-redirect-to', 'URL', 'off', perIngress],
  ['preserve-trailing-slash', 'bool', 'false', perIngress],
  ['proxy-ssl-location-only', 'bool', 'false', asIs],
  // Who may write what.
  [
    'allow-cross-namespace-resources',
    'bool',
    'false',
    'What an annotation names lives in the namespace of its Ingress.',
  ],
  [
    'strict-validate-path-type',
    'bool',
    'true',
    'Paths are data here and never text of a configuration: other characters do no harm.',
  ],
  // Logs.
  ['access-log-params', 'text', '', noLog],
  ['access-log-path', 'path', '/var/log/nginx/access.log', noLog],
  ['http-access-log-path', 'path', '', noLog],
  ['stream-access-log-path', 'path', '', noLog],
  ['error-log-path', 'path', '/var/log/nginx/error.log', 'Weir’s own log is written to stderr.'],
  ['error-log-level', 'level', 'notice', 'Use `--log-level`.'],
  ['disable-stream-access-log', 'bool', 'false', stream],
  ['enable-auth-access-log', 'bool', 'false', 'Requests of Weir’s own are counted, not logged.'],
  ['log-format-stream', 'text with variables', '', stream],
  ['enable-syslog', 'bool', 'false', 'Collect the logs of the pod.'],
  ['syslog-host', 'host', '', 'Collect the logs of the pod.'],
  ['syslog-port', 'number', '514', 'Collect the logs of the pod.'],
  ['debug-connections', 'CIDRs', '', tuning],
  // Heads of requests.
  ['client-header-buffer-size', 'size', '1k', 'Use `--max-line-bytes`.'],
  [
    'large-client-header-buffers',
    'number and size',
    '4 8k',
    'Use `--max-line-bytes` and `--max-head-bytes`.',
  ],
  ['ignore-invalid-headers', 'bool', 'true', 'A field with a malformed name is answered 400.'],
  ['proxy-headers-hash-max-size', 'number', '512', tuning],
  ['proxy-headers-hash-bucket-size', 'number', '64', tuning],
  // Connections and processes.
  ['keep-alive-requests', 'number', '1000', 'A connection serves any number of requests.'],
  ['max-worker-connections', 'number', '16384', 'Use `--max-connections`.'],
  ['max-worker-open-files', 'number', '0', tuning],
  ['worker-processes', 'number', 'auto', 'Use `--workers`.'],
  ['worker-cpu-affinity', 'text', '', tuning],
  ['worker-shutdown-timeout', 'time', '240s', 'Use `--drain-seconds` and `--finish-seconds`.'],
  ['enable-serial-reloads', 'bool', 'false', 'Nothing is ever reloaded here.'],
  ['enable-multi-accept', 'bool', 'true', tuning],
  ['enable-aio-write', 'bool', 'true', tuning],
  ['reuse-port', 'bool', 'true', 'Workers always share the port.'],
  ['bind-address', 'addresses', '', 'Use `--listen`.'],
  ['bind-address-ipv4', 'addresses', '', 'Use `--listen`.'],
  ['bind-address-ipv6', 'addresses', '', 'Use `--listen`.'],
  ['disable-ipv6', 'bool', 'false', 'Use `--listen`.'],
  ['disable-ipv6-dns', 'bool', 'false', 'Names outside are looked up for both.'],
  [
    'upstream-keepalive-connections',
    'number',
    '320',
    'Use `--upstream-max-idle`, which counts per endpoint.',
  ],
  ['upstream-keepalive-time', 'time', '1h', 'A connection is used as long as it works.'],
  ['upstream-keepalive-requests', 'number', '10000', 'A connection is used as long as it works.'],
  ['use-proxy-protocol', 'bool', 'false', 'Use `--proxy-protocol` and `--proxy-protocol-from`.'],
  ['proxy-protocol-header-timeout', 'time', '5s', 'Use `--proxy-protocol-timeout-ms`.'],
  ['map-hash-bucket-size', 'number', '64', tuning],
  ['server-name-hash-max-size', 'number', '1024', tuning],
  ['server-name-hash-bucket-size', 'number', '', tuning],
  ['variables-hash-bucket-size', 'number', '256', tuning],
  ['variables-hash-max-size', 'number', '2048', tuning],
  ['lua-shared-dicts', 'sizes', '', tuning],
  ['plugins', 'names', '', 'Filters of your own take their place: see `--filters`.'],
  ['nginx-status-ipv4-whitelist', 'CIDRs', '127.0.0.1', 'Metrics are on the admin port only.'],
  ['nginx-status-ipv6-whitelist', 'CIDRs', '::1', 'Metrics are on the admin port only.'],
  [
    'limit-conn-zone-variable',
    'variable',
    '$binary_remote_addr',
    'Limits count by the address of the client.',
  ],
  ['main-snippet', 'text', '', 'Raw text of nginx, about its processes.'],
  // Bodies.
  ['proxy-http-version', '1.0, 1.1', '1.1', 'Weir speaks HTTP/1.1 to endpoints.'],
  ['grpc-buffer-size-kb', 'number', '', tuning],
  ['default-type', 'type', 'text/html', 'An answer without a type goes on without one.'],
  // TLS and HTTP/2.
  ['enable-ocsp', 'bool', 'false', atLoadBalancer],
  ['ssl-ciphers', 'ciphers', '', atLoadBalancer],
  ['ssl-protocols', 'versions', 'TLSv1.2 TLSv1.3', atLoadBalancer],
  ['ssl-ecdh-curve', 'curves', 'auto', atLoadBalancer],
  ['ssl-dh-param', 'Secret', '', atLoadBalancer],
  ['ssl-early-data', 'bool', 'false', atLoadBalancer],
  ['ssl-session-cache', 'bool', 'true', atLoadBalancer],
  ['ssl-session-cache-size', 'size', '10m', atLoadBalancer],
  ['ssl-session-tickets', 'bool', 'false', atLoadBalancer],
  ['ssl-session-ticket-key', 'key', '', atLoadBalancer],
  ['ssl-session-timeout', 'time', '10m', atLoadBalancer],
  ['ssl-buffer-size', 'size', '4k', atLoadBalancer],
  ['use-http2', 'bool', 'true', http2],
  ['http2-max-concurrent-streams', 'number', '128', http2],
  ['http2-max-field-size', 'size', '', http2],
  ['http2-max-header-size', 'size', '', http2],
  ['http2-max-requests', 'number', '0', http2],
  // Traces.
  [
    'opentelemetry-config',
    'path',
    '/etc/nginx/opentelemetry.toml',
    'The collector is named by `otlp-collector-host`.',
  ],
  [
    'opentelemetry-location-operation-name',
    'text',
    '',
    'A request has one span here: `opentelemetry-operation-name` names it.',
  ],
  // Streams.
  ['stream-snippet', 'text', '', stream],
  ['proxy-stream-timeout', 'time', '600s', stream],
  ['proxy-stream-next-upstream', 'bool', 'true', stream],
  ['proxy-stream-next-upstream-timeout', 'time', '600s', stream],
  ['proxy-stream-next-upstream-tries', 'number', '3', stream],
  ['proxy-stream-responses', 'number', '1', stream],
  // Places.
  ['use-geoip', 'bool', 'false', 'Weir does not know where addresses are.'],
  ['use-geoip2', 'bool', 'false', 'Weir does not know where addresses are.'],
  ['geoip2-autoreload-in-minutes', 'number', '0', 'Weir does not know where addresses are.'],
  // What ingress-nginx no longer has.
  ...[
    'enable-opentracing',
    'opentracing-operation-name',
    'opentracing-location-operation-name',
    'opentracing-trust-incoming-span',
    'zipkin-collector-host',
    'zipkin-collector-port',
    'zipkin-service-name',
    'zipkin-sample-rate',
    'jaeger-collector-host',
    'jaeger-collector-port',
    'jaeger-endpoint',
    'jaeger-service-name',
    'jaeger-propagation-format',
    'jaeger-sampler-type',
    'jaeger-sampler-param',
    'jaeger-sampler-host',
    'jaeger-sampler-port',
    'jaeger-trace-context-header-name',
    'jaeger-debug-header',
    'jaeger-baggage-header',
    'jaeger-trace-baggage-header-prefix',
    'datadog-collector-host',
    'datadog-collector-port',
    'datadog-service-name',
    'datadog-environment',
    'datadog-operation-name-override',
    'datadog-priority-sampling',
    'datadog-sample-rate',
    'global-rate-limit-memcached-host',
    'global-rate-limit-memcached-port',
    'global-rate-limit-memcached-connect-timeout',
    'global-rate-limit-memcached-max-idle-timeout',
    'global-rate-limit-memcached-pool-size',
    'global-rate-limit-status-code',
  ].map((key): Line => [key, '', '', removed]),
]

export const unsupportedRows: readonly ConfigMapRow[] = [
  ...refusedRows,
  ...ignored.map(([key, value, initial, meaning]) => ignoredKey(key, value, initial, meaning)),
]
