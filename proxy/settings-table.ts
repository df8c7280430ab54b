// What can be set on the proxy? Every option once; flags, environment, configuration file, help and README follow.
// Adding an option: a row here, then `npm run docs`.

import { isIgnorable } from '../shared/ignored-annotations.ts'
import { likeNames } from '../shared/like.ts'
import {
  authOrigins,
  boolean,
  cidrs,
  externalHosts,
  filePath,
  hostPort,
  httpUrl,
  integer,
  knownNames,
  names,
  objectPath,
  oneOf,
  servicePort,
  storeUrl,
  text,
  urlPath,
} from '../shared/options-kinds.ts'
import { type OptionTable, option, optional } from '../shared/options-table.ts'
import { isTrustedFieldWord } from '../shared/trusted-fields.ts'
import { skipperOptions } from './settings-skipper.ts'
import { tlsOptions } from './settings-tls.ts'
import { traceOptions } from './settings-traces.ts'

const source = 'Where routes come from'
const ports = 'Ports and threads'
const likes = 'In the place of another system'
const classes = 'Which Ingresses are ours'
const clients = 'Clients'
const upstreams = 'Upstreams'
const timeouts = 'Time limits'
const limits = 'Size limits'
const store = 'Limits that all nodes share'
const general = 'General'

const trustedFieldNames = knownNames(
  'NAME|alb|cloudfront|none|all,…',
  'a list of alb, cloudfront, none, all and names of fields in which a proxy speaks about its client, such as X-Forwarded-Host, Forwarded, X-Request-Id, X-Original-* or CF-Connecting-IP',
  isTrustedFieldWord,
)

const ignorableAnnotations = knownNames(
  'KEY|PREFIX/|*,…',
  'a list of annotation keys and prefixes of other controllers, with * for any text; never of weir.dev/, nginx.ingress.kubernetes.io/ or zalando.org/',
  isIgnorable,
)

/** Every option of the proxy. */
export const proxyOptions = {
  manifests: optional(filePath, {
    group: source,
    absent: 'off',
    help: 'Reads Kubernetes objects from a YAML or JSON file or a folder of them and follows changes; no cluster is needed.',
  }),
  kubeconfig: optional(filePath, {
    group: source,
    absent: 'in-cluster',
    help: 'Watches the cluster that this kubeconfig file names.',
  }),
  namespace: optional(text('NAMESPACE'), {
    group: source,
    absent: 'all',
    help: 'Watches one namespace of the cluster only.',
  }),

  like: optional(oneOf(likeNames), {
    group: likes,
    absent: 'off',
    help: 'Sets every default as that system has it: those of options (each says so below) and those of Ingresses (docs/config-map.md). Options, the ConfigMap and annotations are stronger.',
  }),
  configMap: optional(objectPath, {
    group: likes,
    absent: 'none',
    help: "Reads ingress-nginx's global ConfigMap and follows its changes; docs/config-map.md says what becomes of each key.",
  }),
  metricsLike: optional(oneOf(['ingress-nginx']), {
    group: likes,
    absent: 'off',
    help: "Exports requests under that system's names and labels as well, beside Weir's own, so that its dashboards and alerts stay: more series, one for each path, method and status (docs/metrics.md).",
  }),
  podName: optional(text('NAME'), {
    group: likes,
    absent: 'the host name',
    help: 'Names this pod: controller_pod in the metrics of --metrics-like.',
  }),
  podNamespace: optional(text('NAMESPACE'), {
    group: likes,
    absent: 'default',
    help: 'Names the namespace of this pod: controller_namespace in them.',
  }),

  ingressClass: option(names('NAME'), {
    group: classes,
    default: ['weir'],
    likes: { 'ingress-nginx': ['nginx'], skipper: ['skipper'] },
    help: 'Takes Ingresses of these class names (annotation, or spec.ingressClassName while no such IngressClass exists).',
  }),
  controllerClass: option(names('VALUE'), {
    group: classes,
    default: ['weir.dev/ingress'],
    likes: { 'ingress-nginx': ['k8s.io/ingress-nginx'] },
    help: 'Takes Ingresses whose IngressClass has one of these values in spec.controller.',
  }),
  ingressClassByName: option(boolean, {
    group: classes,
    default: false,
    likes: { skipper: true },
    help: 'Takes Ingresses of a class that --ingress-class names, also where its IngressClass names another controller.',
  }),
  watchIngressWithoutClass: option(boolean, {
    group: classes,
    default: false,
    likes: { skipper: true },
    help: 'Takes Ingresses that name no class as well.',
  }),
  disableCatchAll: option(boolean, {
    group: classes,
    default: false,
    help: 'Leaves out Ingresses with a default backend, as ingress-nginx does with its flag of this name: no namespace can take what others do not serve.',
  }),
  defaultBackend: optional(servicePort, {
    group: classes,
    absent: 'none (404)',
    help: 'Sends requests that match no route to this Service instead of answering 404.',
  }),
  externalNames: option(externalHosts, {
    group: classes,
    default: [],
    help: 'Allows Services of type ExternalName to point to these hosts, looked up as written; all others are refused.',
  }),

  authUrls: option(authOrigins, {
    group: classes,
    default: [],
    likes: { 'ingress-nginx': ['any'] },
    help: 'Allows `auth-url`, `weir.dev/jwt-keys` and `nginx.ingress.kubernetes.io/mirror-target` to lead to these origins, hosts outside or Services of other namespaces; all others are refused. `any` allows all but addresses of this machine and of links.',
  }),

  ...skipperOptions,

  albKeys: optional(httpUrl, {
    group: classes,
    absent: "AWS's, by the ARN's region",
    help: 'Gets the keys of load balancers (`weir.dev/jwt-alb-arn`) below this URL, at URL/KID.',
  }),

  pathWildcards: option(boolean, {
    group: classes,
    default: false,
    help: 'Reads paths as they are written for the AWS and GCE controllers, where `/*` is every path and `/foo/*` a prefix; `weir.dev/path-wildcards` says it for one Ingress.',
  }),
  ignoreAnnotations: option(ignorableAnnotations, {
    group: classes,
    default: [],
    help: 'Says nothing of these annotations of other controllers, and serves Ingresses whose owners may have protected them that way; others that may protect answer 503.',
  }),

  filters: optional(filePath, {
    group: general,
    absent: 'none',
    help: 'Loads filters of your own from this module (see deploy/examples/filters.ts); `weir.dev/filters` uses them.',
  }),

  listen: option(hostPort, {
    group: ports,
    default: { host: '0.0.0.0', port: 9999 },
    help: 'Serves clients here.',
  }),
  admin: option(hostPort, {
    group: ports,
    default: { host: '0.0.0.0', port: 9911 },
    help: 'Serves /metrics, /healthz, /readyz, /status and /routes here.',
  }),
  workers: optional(integer(1, 256), {
    group: ports,
    absent: 'available CPUs',
    help: 'Runs this many data-plane threads.',
  }),
  controlSocket: optional(filePath, {
    group: ports,
    absent: 'off',
    help: 'Takes commands that change state on this Unix socket.',
  }),

  ...tlsOptions,

  trustedProxies: option(cidrs, {
    group: clients,
    default: [],
    help: 'Believes the fields of --trusted-fields when peers in these networks send them.',
  }),
  trustedFields: option(trustedFieldNames, {
    group: clients,
    default: ['alb'],
    help: 'Names the fields that trusted proxies write themselves: alb is X-Forwarded-For, -Proto and -Port; cloudfront is CloudFront in front of an ALB. All other fields in which a proxy speaks about its client are dropped or replaced.',
  }),
  forwardedHeaders: option(oneOf(['default', 'nginx', 'skipper']), {
    group: clients,
    default: 'default',
    likes: { 'ingress-nginx': 'nginx', skipper: 'skipper' },
    help: 'Tells upstreams about clients as Weir does (X-Forwarded-For with the whole chain, X-Forwarded-Proto, -Host, -Port, X-Real-IP, X-Request-Id), or as ingress-nginx does: X-Forwarded-For is the client alone, X-Scheme, X-Forwarded-Scheme and X-Original-Forwarded-* come with it, a believed X-Forwarded-Host is the Host, a request id of a client is kept, fields with an underscore are left out. Or as Skipper does: what trusted proxies said goes on as it came, Weir adds nothing, and Host is in lower case without its port.',
  }),
  serverHeader: option(oneOf(['pass', 'own', 'none']), {
    group: clients,
    default: 'pass',
    likes: { 'ingress-nginx': 'none' },
    help: "Names in responses' Server: the application, or Weir where it does not say (pass); always Weir (own); nobody (none).",
  }),
  proxyProtocol: option(oneOf(['off', 'required', 'optional']), {
    group: clients,
    default: 'off',
    help: 'Reads PROXY protocol v1 and v2 on the data port.',
  }),
  proxyProtocolFrom: option(cidrs, {
    group: clients,
    default: [],
    help: 'Accepts PROXY headers from peers in these networks only.',
  }),
  h2c: option(boolean, {
    group: clients,
    default: false,
    help: 'Speaks HTTP/2 on the data port, too, to clients that begin with it (prior knowledge), as an ALB does whose target group has the protocol version HTTP2 or GRPC.',
  }),
  upgradeProtocols: option(names('PROTOCOL'), {
    group: clients,
    default: ['websocket'],
    help: 'Lets clients upgrade a connection to these protocols; other upgrades are served as plain requests.',
  }),
  healthPath: option(urlPath, {
    group: clients,
    default: '/kube-system/healthz',
    help: 'Answers health checks of the load balancer at this path of the data port: 200, or 503 before the first sync and while draining.',
  }),

  retries: option(integer(0, 10), {
    group: upstreams,
    default: 2,
    help: 'Tries a request that may be repeated this many times again.',
  }),
  retryBudgetPercent: option(integer(0, 100, 'percent'), {
    group: upstreams,
    default: 20,
    help: 'Allows retries up to this share of all requests.',
  }),
  zone: optional(text('ZONE'), {
    group: upstreams,
    absent: 'that of --node',
    help: 'Prefers endpoints that are meant for this zone: those of Services with trafficDistribution, or whose EndpointSlices have hints.',
  }),
  node: optional(text('NAME'), {
    group: upstreams,
    absent: 'unknown',
    help: 'Says which node this is: its label topology.kubernetes.io/zone is the zone, and trafficDistribution PreferSameNode prefers its endpoints.',
  }),
  upstreamMaxIdle: option(integer(0, 10_000), {
    group: upstreams,
    default: 256,
    help: 'Keeps up to this many idle connections per endpoint and worker: a client of HTTP/2 alone may send a hundred requests at once.',
  }),

  headerTimeoutMs: option(integer(100, 600_000, 'ms'), {
    group: timeouts,
    default: 10_000,
    likes: { 'ingress-nginx': 60_000 },
    help: 'Gives a client this long for a whole request head, from its first byte.',
  }),
  bodyIdleTimeoutMs: option(integer(100, 86_400_000, 'ms'), {
    group: timeouts,
    default: 60_000,
    help: 'Ends a request whose body brings no byte for this long.',
  }),
  keepAliveTimeoutMs: option(integer(0, 86_400_000, 'ms'), {
    group: timeouts,
    default: 75_000,
    help: 'Closes a client connection without a request after this long; must exceed the idle timeout of the load balancer.',
  }),
  writeTimeoutMs: option(integer(100, 86_400_000, 'ms'), {
    group: timeouts,
    default: 60_000,
    help: 'Ends a request whose client takes no byte of the answer for this long.',
  }),
  proxyProtocolTimeoutMs: option(integer(100, 600_000, 'ms'), {
    group: timeouts,
    default: 5000,
    help: 'Gives a peer this long for its PROXY header.',
  }),
  connectTimeoutMs: option(integer(10, 600_000, 'ms'), {
    group: timeouts,
    default: 2000,
    likes: { 'ingress-nginx': 5000 },
    help: 'Gives an endpoint this long to accept a connection.',
  }),
  responseTimeoutMs: option(integer(10, 86_400_000, 'ms'), {
    group: timeouts,
    default: 60_000,
    help: 'Gives an endpoint this long for the response head, and between two reads of the body.',
  }),
  upstreamIdleTimeoutMs: option(integer(0, 86_400_000, 'ms'), {
    group: timeouts,
    default: 4000,
    likes: { 'ingress-nginx': 60_000 },
    help: 'Closes an unused upstream connection after this long; stays below the keep-alive timeout of common servers (5 s).',
  }),
  tunnelIdleTimeoutMs: option(integer(1000, 604_800_000, 'ms'), {
    group: timeouts,
    default: 3_600_000,
    help: 'Closes a WebSocket or other upgraded connection that is silent for this long.',
  }),
  drainSeconds: option(integer(0, 86_400, 'seconds'), {
    group: timeouts,
    default: 45,
    help: 'After SIGTERM: answers health checks with 503 and keeps serving for this long, then finishes what is in flight and exits. A controller at --control-socket says when to leave instead.',
  }),

  finishSeconds: option(integer(0, 86_400, 'seconds'), {
    group: timeouts,
    default: 30,
    help: 'Gives requests that are in flight after draining this long to finish before they are cut.',
  }),

  workerStuckSeconds: option(integer(0, 86_400, 'seconds'), {
    group: timeouts,
    default: 10,
    help: 'Ends a data-plane thread that does not answer for this long, with its connections, and starts it anew; 0 is off.',
  }),

  maxConnections: option(integer(1, 10_000_000), {
    group: limits,
    default: 20_000,
    help: 'Serves up to this many client connections at a time, over all workers.',
  }),
  maxLineBytes: option(integer(256, 1_048_576, 'bytes'), {
    group: limits,
    default: 16_384,
    help: 'Allows request lines and header fields up to this length.',
  }),
  maxHeadBytes: option(integer(1024, 1_048_576, 'bytes'), {
    group: limits,
    default: 65_536,
    help: 'Allows heads of requests and responses up to this size.',
  }),
  maxFields: option(integer(1, 10_000), {
    group: limits,
    default: 1000,
    help: 'Allows this many header fields in one message.',
  }),
  http2MaxStreams: option(integer(1, 10_000), {
    group: limits,
    default: 128,
    help: 'Serves up to this many requests of one HTTP/2 connection at a time.',
  }),
  maxMemoryMb: option(integer(0, 1_048_576, 'MiB'), {
    group: limits,
    default: 0,
    help: 'Stops accepting connections while the process uses more memory than this; 0 is off.',
  }),

  valkey: optional(storeUrl, {
    group: store,
    absent: 'off',
    help: 'Counts limits of the scope cluster in this Valkey or Redis, which all nodes share; rediss:// is TLS.',
  }),
  valkeyPassword: optional(text('PASSWORD'), {
    group: store,
    absent: 'that of the URL',
    help: 'Logs in to it; set it as WEIR_VALKEY_PASSWORD, since flags can be seen by others.',
  }),

  ...traceOptions,

  accessLog: option(oneOf(['json', 'combined', 'nginx', 'off']), {
    group: general,
    default: 'json',
    likes: { 'ingress-nginx': 'nginx' },
    help: "Writes one line per request to stdout: as JSON, as Apache's combined format, or as ingress-nginx's. The ConfigMap's log-format-upstream is another format for all but off.",
  }),
  logQueries: option(boolean, {
    group: general,
    default: false,
    help: 'Shows queries where a format of nginx names them ($request, $request_uri, $args, $http_referer). They carry secrets.',
  }),
  logLevel: option(oneOf(['debug', 'info', 'warn', 'error']), {
    group: general,
    default: 'info',
    help: "Writes the proxy's own log to stderr from this level up.",
  }),
} satisfies OptionTable
