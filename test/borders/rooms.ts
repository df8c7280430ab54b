// Which part of the tree may import which? The only table of arrows; `check.ts` holds the tree to it, and a file in no room is
// refused, so a new folder gets its row here.
//
// Invariant: arrows lead one way (borders.test.ts walks them), so what a room cannot use it cannot reach through another either.

export interface Room {
  /** Folders (with all below that no other room claims) and single files. */
  readonly paths: readonly string[]
  /** Names of rooms that it may import, beside itself. `all` means that nothing is closed to it. */
  readonly uses: readonly string[] | 'all'
  /** Names of rooms of which it may import types only. */
  readonly types?: readonly string[]
}

export const rooms: Readonly<Record<string, Room>> = {
  // shared: what proxy and controller both need.
  shared: { paths: ['shared'], uses: [], types: ['kinds'] },
  // Which objects there are, in words: no client, no connection.
  kinds: {
    paths: ['shared/kube/objects.ts', 'shared/kube/resources.ts', 'shared/kube/snapshot.ts'],
    uses: [],
  },
  kube: { paths: ['shared/kube'], uses: ['shared', 'kinds'] },
  feed: { paths: ['shared/feed'], uses: ['shared', 'kinds', 'kube'] },
  // The words of routing (table, failures, filters, router): what the data plane may know. Never a source of routes.
  routing: { paths: ['shared/routing'], uses: ['shared'], types: ['kinds'] },
  // Skipper's language. It knows no object of a cluster; the sources whose objects are written in it read it.
  eskip: { paths: ['shared/routing/eskip'], uses: ['shared', 'routing'] },
  sources: {
    paths: ['shared/routing/ingress', 'shared/routing/routegroup'],
    uses: ['shared', 'kinds', 'routing', 'eskip'],
  },
  translation: {
    paths: [
      'shared/routing/translate.ts',
      'shared/routing/settle.ts',
      'shared/routing/settled-certificates.ts',
      'shared/routing/settle-host.ts',
      'shared/routing/spare-hosts.ts',
      'shared/routing/object-index.ts',
      'shared/routing/upstreams/used-backends.ts',
    ],
    uses: ['shared', 'kinds', 'routing', 'eskip', 'sources'],
  },

  // The data plane, from the socket upwards.
  net: { paths: ['proxy/net'], uses: ['shared'] },
  http: { paths: ['proxy/http'], uses: ['shared', 'routing', 'net'], types: ['observe'] },
  http1: { paths: ['proxy/http1'], uses: ['shared', 'routing', 'net', 'http', 'observe'] },
  http2: { paths: ['proxy/http2'], uses: ['shared', 'routing', 'net', 'http', 'observe'] },
  upstream: {
    paths: ['proxy/upstream'],
    uses: ['shared', 'routing', 'net', 'http', 'http1', 'http2', 'observe'],
  },
  serve: {
    paths: ['proxy/serve'],
    uses: ['shared', 'routing', 'net', 'http', 'http1', 'http2', 'upstream', 'observe'],
    types: ['settings', 'messages'],
  },
  // The store that all nodes share.
  store: { paths: ['proxy/store'], uses: ['shared'], types: ['routing'] },
  worker: {
    paths: ['proxy/worker.ts', 'proxy/password-worker.ts'],
    uses: ['shared', 'routing', 'net', 'http', 'observe', 'serve', 'loading', 'store'],
    types: ['settings', 'messages'],
  },

  // What both threads of the proxy know, and the control thread. `control` and `serve` meet in `messages` only.
  observe: { paths: ['proxy/observe'], uses: ['shared', 'routing'] },
  settings: {
    paths: [
      'proxy/settings.ts',
      'proxy/settings-skipper.ts',
      'proxy/settings-table.ts',
      'proxy/settings-tls.ts',
      'proxy/settings-traces.ts',
    ],
    uses: ['shared', 'routing', 'eskip', 'sources'],
  },
  messages: {
    paths: ['proxy/messages.ts'],
    uses: [],
    types: ['shared', 'routing', 'observe', 'settings'],
  },
  control: {
    paths: ['proxy/control'],
    uses: [
      'shared',
      'kinds',
      'kube',
      'feed',
      'routing',
      'eskip',
      'sources',
      'translation',
      'observe',
      'messages',
    ],
    types: ['settings'],
  },
  loading: { paths: ['proxy/load-filters.ts'], uses: ['shared', 'routing'] },
  proxy: {
    paths: ['proxy/main.ts'],
    uses: ['shared', 'kinds', 'feed', 'settings', 'control', 'loading'],
  },
  demo: { paths: ['proxy/demo'], uses: [] },

  // The controller. `world` holds its words.
  world: {
    paths: ['controller/world.ts', 'controller/targets/target-key.ts'],
    uses: ['shared'],
    types: ['kinds'],
  },
  aws: { paths: ['controller/aws'], uses: ['shared', 'world'] },
  // `sources`: what is wrong with a ConfigMap, in the proxies' words.
  controller: {
    paths: ['controller'],
    uses: ['shared', 'kinds', 'kube', 'world', 'aws', 'sources'],
  },

  // Tools that read the product; nothing of the product imports them.
  deploy: { paths: ['deploy'], uses: 'all' },
  bench: { paths: ['bench'], uses: 'all' },
}

/** Third-party packages and the only places that import them. Tests may import each. */
export const owners: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-elastic-load-balancing-v2': ['controller/aws'],
  '@kubernetes/client-node': ['shared/kube/config.ts'],
  '@opentelemetry/api': ['proxy/control/otlp.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['proxy/control/otlp.ts'],
  '@opentelemetry/resources': ['proxy/control/otlp.ts'],
  '@opentelemetry/sdk-trace': ['proxy/control/otlp.ts'],
  autocannon: ['bench'],
  bcryptjs: ['shared/password-hash.ts'],
  esbuild: ['deploy/bundle.ts'],
  'http-proxy-3': ['bench'],
  jose: ['shared/routing/filters/verify-token.ts'],
  iovalkey: ['proxy/store/valkey-store.ts'],
  'lru-cache': ['shared/bounded-cache.ts'],
  pino: ['shared/log.ts'],
  'prom-client': ['shared/metrics.ts'],
  re2js: ['shared/routing/pattern.ts'],
  undici: ['shared/http.ts', 'bench/peers/bare-lane.ts'],
  yaml: ['shared/yaml.ts'],
  // An import costs 5 MB resident, for the reason that shared/admin-server.ts tells: it needs types of it only.
  'node:http': ['shared/admin-server.ts', 'proxy/demo', 'bench'],
  // For the same reason: loaded when a connection first speaks it (proxy/http2/node-http2.ts).
  'node:http2': ['proxy/http2', 'bench'],
  // `process` is global; its `env` would slip in unseen here.
  'node:process': [],
  // What `--filters` names is known at start only.
  '(a computed name)': ['proxy/load-filters.ts'],
}
