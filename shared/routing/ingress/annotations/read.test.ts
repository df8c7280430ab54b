import t from 'tap'
import type { Ingress } from '../../../kube/objects.ts'
import { compileFilters } from '../../filters/compile.ts'
import { filterKinds } from '../../filters/kinds.ts'
import type { PathType } from '../../table.ts'
import { compileContext } from '../../testing/filter-stage.ts'
import type { FilterSketch } from '../../testing/route.ts'
import type { Terms } from './draft.ts'
import { families } from './families.ts'
import { readAnnotations } from './read.ts'

const nginxPrefix = 'nginx.ingress.kubernetes.io/'

function ingress(annotations: Record<string, string>, path = '/'): Ingress {
  return {
    metadata: { namespace: 'shop', name: 'web', annotations },
    spec: { rules: [{ http: { paths: [{ path, pathType: 'Prefix' }] } }] },
  }
}

/** `n/x` is short for nginx, `z/x` for zalando, `w/x` for weir. */
function long(annotations: Record<string, string>): Record<string, string> {
  const prefixes: Record<string, string> = { n: nginxPrefix, z: 'zalando.org/', w: 'weir.dev/' }
  const entries = Object.entries(annotations).map(([key, value]) => {
    const [short = '', name = ''] = key.split('/')
    return [(prefixes[short] ?? `${short}/`) + name, value] as const
  })
  return Object.fromEntries(entries)
}

function read(annotations: Record<string, string>, path = '/') {
  return readAnnotations(ingress(long(annotations), path))
}

const asked: {
  given: Record<string, string>
  path?: string
  pathType?: PathType
  filters?: readonly FilterSketch[]
  backend?: Terms['backend']
  why: string
}[] = [
  {
    given: { 'cert-manager.io/issuer': 'x', 'example.com/auth-type': 'basic' },

    why: 'other families are nobody’s business',
  },
  {
    given: { 'n/ssl-redirect': 'false' },

    why: 'asking for nothing costs nothing',
  },

  {
    given: { 'n/ssl-redirect': 'true' },
    filters: [{ kind: 'redirect', when: 'insecure', status: 308, scheme: 'https' }],
    why: 'explicit true',
  },
  {
    given: { 'n/force-ssl-redirect': 'true' },
    filters: [{ kind: 'redirect', when: 'insecure', status: 308, scheme: 'https' }],
    why: 'force',
  },
  {
    given: { 'n/force-ssl-redirect': 'true', 'n/ssl-redirect': 'false' },
    filters: [{ kind: 'redirect', when: 'insecure', status: 308, scheme: 'https' }],
    why: 'force is stronger',
  },
  {
    given: { 'w/ssl-redirect': 'false', 'n/ssl-redirect': 'true' },

    why: 'weir.dev has the last word',
  },
  {
    given: { 'z/skipper-ingress-redirect': 'true' },
    filters: [{ kind: 'redirect', when: 'insecure', status: 308, scheme: 'https' }],
    why: 'Skipper’s default is 308',
  },
  {
    given: { 'z/skipper-ingress-redirect': 'true', 'z/skipper-ingress-redirect-code': '301' },
    filters: [{ kind: 'redirect', when: 'insecure', status: 301, scheme: 'https' }],
    why: 'Skipper’s code',
  },

  {
    given: { 'n/permanent-redirect': 'https://b.test/x' },
    filters: [
      {
        kind: 'redirect',
        when: 'always',
        status: 301,
        scheme: 'https',
        host: 'b.test',
        path: '/x',
      },
    ],
    why: '301 by default',
  },
  {
    given: { 'n/permanent-redirect': 'https://b.test', 'n/permanent-redirect-code': '308' },
    filters: [
      { kind: 'redirect', when: 'always', status: 308, scheme: 'https', host: 'b.test', path: '' },
    ],
    why: 'its own code',
  },
  {
    given: {
      'n/temporal-redirect': 'https://t.test',
      'n/permanent-redirect': 'https://p.test',
      'n/permanent-redirect-code': '308',
    },
    filters: [
      { kind: 'redirect', when: 'always', status: 302, scheme: 'https', host: 't.test', path: '' },
    ],
    why: 'temporal wins, with its own status',
  },
  {
    given: { 'n/temporal-redirect': 'https://t.test', 'n/temporal-redirect-code': '307' },
    filters: [
      { kind: 'redirect', when: 'always', status: 307, scheme: 'https', host: 't.test', path: '' },
    ],
    why: 'temporal code',
  },
  {
    given: { 'n/permanent-redirect': 'https://b.test$request_uri' },
    filters: [{ kind: 'redirect', when: 'always', status: 301, scheme: 'https', host: 'b.test' }],
    why: 'the usual idiom keeps path and query',
  },
  {
    given: { 'w/redirect-to': '/new', 'w/redirect-status': '303' },
    filters: [{ kind: 'redirect', when: 'always', status: 303, path: '/new' }],
    why: 'a path only',
  },
  {
    given: { 'w/redirect-to': '/new', 'w/ssl-redirect': 'true' },
    filters: [{ kind: 'redirect', when: 'always', status: 302, path: '/new', scheme: 'https' }],
    why: 'one redirect does both',
  },
  {
    given: { 'n/app-root': '/app' },
    filters: [{ kind: 'app-root', path: '/app' }],
    why: 'the rule for /',
  },
  {
    given: { 'n/app-root': '/app' },
    path: '/other',

    why: 'no other rule sees the path /',
  },

  {
    given: { 'n/rewrite-target': '/' },
    path: '/api',
    filters: [{ kind: 'rewrite', by: 'regex', pattern: '', replacement: '/' }],
    why: 'without groups the whole path is replaced',
  },
  {
    given: { 'n/rewrite-target': '/api' },
    path: '/api',

    why: 'ingress-nginx ignores a target that is the path',
  },
  {
    given: { 'n/rewrite-target': '/$2' },
    path: '/api(/|$)(.*)',
    pathType: 'Regex',
    filters: [{ kind: 'rewrite', by: 'regex', pattern: '/api(/|$)(.*)', replacement: '/$2' }],
    why: 'groups of the rule’s path',
  },
  {
    given: { 'n/rewrite-target': '/$1' },
    path: '/exact',
    pathType: 'Exact',
    filters: [{ kind: 'rewrite', by: 'regex', pattern: '', replacement: '/$1' }],
    why: 'a literal path has no groups',
  },
  {
    given: { 'n/rewrite-target': 'https://b.test/x' },
    filters: [
      {
        kind: 'redirect',
        when: 'always',
        status: 302,
        scheme: 'https',
        host: 'b.test',
        path: '/x',
        pattern: '',
      },
    ],
    why: 'nginx redirects to a URL',
  },
  {
    given: { 'n/rewrite-target': 'https://b.test:8443/$1' },
    path: '/(.*)',
    pathType: 'Regex',
    filters: [
      {
        kind: 'redirect',
        when: 'always',
        status: 302,
        scheme: 'https',
        host: 'b.test',
        port: 8443,
        path: '/$1',
        pattern: '/(.*)',
      },
    ],
    why: 'with the groups of the rule’s path',
  },
  {
    given: { 'n/permanent-redirect': '/new' },
    filters: [{ kind: 'redirect', when: 'always', status: 301, path: '/new' }],
    why: 'a path',
  },
  {
    given: { 'n/permanent-redirect': '/new', 'n/relative-redirects': 'true' },
    filters: [{ kind: 'redirect', when: 'always', status: 301, path: '/new', isRelative: true }],
    why: 'a path that stays one',
  },
  {
    given: { 'n/force-ssl-redirect': 'true', 'n/use-port-in-redirects': 'true' },
    filters: [
      { kind: 'redirect', when: 'insecure', status: 308, scheme: 'https', namesPort: true },
    ],
    why: 'the port by name',
  },
  {
    given: { 'n/proxy-redirect-from': 'http://a/', 'n/proxy-redirect-to': 'https://b/' },
    filters: [{ kind: 'rewrite-location', from: 'http://a/', to: 'https://b/' }],
    why: 'both parts make the filter',
  },
  {
    given: {
      'n/proxy-redirect-from': '/a/',
      'n/proxy-redirect-to': '/b/',
      'n/relative-redirects': 'true',
    },
    filters: [{ kind: 'rewrite-location', from: '/a/', to: '/b/', isRelative: true }],
    why: 'paths stay paths',
  },
  {
    given: { 'n/proxy-redirect-from': 'off', 'n/proxy-redirect-to': 'https://b/' },
    why: 'switched off',
  },
  {
    given: { 'n/proxy-redirect-from': 'default', 'n/proxy-redirect-to': 'https://b/' },
    why: 'what nginx does by default is nothing for upstreams that are found by address',
  },
  {
    given: { 'n/proxy-redirect-from': 'http://a/', 'n/proxy-redirect-to': 'off' },
    why: 'switched off by the other part',
  },
  {
    given: {
      'n/proxy-cookie-domain': 'localhost example.org',
      'n/proxy-cookie-path': '/one/ "/; Secure"',
    },
    filters: [
      {
        kind: 'rewrite-cookies',
        domain: { from: 'localhost', to: 'example.org' },
        path: { from: '/one/', to: '/; Secure' },
      },
    ],
    why: 'one filter for both; quotes hold a space',
  },
  { given: { 'n/proxy-cookie-path': 'off' }, why: 'switched off' },
  { given: { 'n/server-alias': 'b.test, , *.c.test' }, why: 'hosts are nothing of a route' },
  {
    given: { 'w/rewrite-prefix': '/' },
    path: '/api',
    filters: [{ kind: 'rewrite', by: 'prefix', from: '/api', to: '/' }],
    why: 'by whole segments',
  },
  {
    given: { 'n/rewrite-target': '/x', 'n/x-forwarded-prefix': '/api' },
    path: '/api',
    filters: [
      { kind: 'rewrite', by: 'regex', pattern: '', replacement: '/x' },
      { kind: 'request-headers', set: [['x-forwarded-prefix', '/api']], add: [], remove: [] },
    ],
    why: 'sent with a rewrite',
  },

  {
    given: { 'n/whitelist-source-range': '10.0.0.0/8, 192.0.2.1' },
    filters: [{ kind: 'access', allow: ['10.0.0.0/8', '192.0.2.1'], deny: [] }],
    why: 'older name',
  },
  {
    given: { 'n/allowlist-source-range': '10.0.0.0/8', 'n/whitelist-source-range': '10.0.0.0/8' },
    filters: [{ kind: 'access', allow: ['10.0.0.0/8'], deny: [] }],
    why: 'both names, one list',
  },
  {
    given: { 'n/denylist-source-range': '10.0.0.0/8', 'w/deny-source-ranges': '192.0.2.1' },
    filters: [{ kind: 'access', allow: [], deny: ['10.0.0.0/8', '192.0.2.1'] }],
    why: 'deny lists add up',
  },

  {
    given: { 'n/proxy-body-size': '8m' },
    backend: { limits: { maxBodyBytes: 8388608 } },
    why: 'nginx size',
  },
  { given: { 'n/proxy-body-size': '0' }, why: 'no limit' },
  {
    given: {
      'n/proxy-connect-timeout': '5',
      'n/proxy-read-timeout': '3600',
      'n/proxy-send-timeout': '60',
    },
    backend: { limits: { connectMs: 5000, readMs: 3600000, sendMs: 60000 } },
    why: 'seconds become ms',
  },
  {
    given: {
      'w/connect-timeout': '500ms',
      'n/proxy-connect-timeout': '5',
      'n/proxy-read-timeout': '9',
    },
    backend: { limits: { connectMs: 500, readMs: 9000 } },
    why: 'each limit on its own',
  },

  {
    given: { 'n/affinity': 'cookie' },
    path: '/app',
    backend: {
      affinity: {
        cookie: 'INGRESSCOOKIE',
        path: '/app',
        maxAgeSeconds: 0,
        secure: false,
        secureOverHttps: true,
        changeOnFailure: false,
      },
    },
    why: 'defaults of ingress-nginx',
  },
  {
    given: { 'n/affinity': 'cookie' },
    path: '/a(.*)',
    pathType: 'Regex',
    backend: {
      affinity: {
        cookie: 'INGRESSCOOKIE',
        path: '/',
        maxAgeSeconds: 0,
        secure: false,
        secureOverHttps: true,
        changeOnFailure: false,
      },
    },
    why: 'a pattern is no cookie path',
  },
  {
    given: {
      'n/affinity': 'cookie',
      'n/session-cookie-name': 'r',
      'n/session-cookie-path': '/p',
      'n/session-cookie-expires': '7',
      'n/affinity-mode': 'balanced',
      'n/session-cookie-domain': '.B.test',
      'n/session-cookie-samesite': 'none',
      'n/session-cookie-conditional-samesite-none': 'true',
      'n/session-cookie-secure': 'true',
      'n/session-cookie-change-on-failure': 'true',
    },
    backend: {
      affinity: {
        by: 'key',
        cookie: 'r',
        path: '/p',
        domain: '.b.test',
        maxAgeSeconds: 0,
        expiresSeconds: 7,
        sameSite: 'None',
        sparesOldClients: true,
        secure: true,
        secureOverHttps: true,
        changeOnFailure: true,
      },
    },
    why: 'all of it',
  },
  {
    given: {
      'n/affinity': 'cookie',
      'n/session-cookie-expires': '7',
      'n/session-cookie-max-age': '9',
    },
    backend: {
      affinity: {
        cookie: 'INGRESSCOOKIE',
        path: '/',
        maxAgeSeconds: 9,
        expiresSeconds: 7,
        secure: false,
        secureOverHttps: true,
        changeOnFailure: false,
      },
    },
    why: 'each lifetime is sent on its own',
  },
  { given: { 'n/session-cookie-name': 'r' }, why: 'no affinity, no cookie' },
  {
    given: { 'w/affinity': 'cookie', 'w/affinity-cookie-path': '/' },
    path: '/x',
    backend: {
      affinity: {
        cookie: 'weir',
        path: '/',
        maxAgeSeconds: 0,
        secure: false,
        changeOnFailure: false,
      },
    },
    why: 'our own defaults',
  },

  {
    given: { 'w/balance': 'least-requests' },
    backend: { balance: { kind: 'least-requests' } },
    why: 'ours',
  },
  {
    given: { 'z/skipper-loadbalancer': 'leastRequests' },
    backend: { balance: { kind: 'least-requests' } },
    why: 'Skipper’s',
  },
  {
    given: {
      'n/load-balance': 'round_robin',
      'z/skipper-ingress-path-mode': 'path-prefix',
      'n/preserve-trailing-slash': 'true',
      'n/affinity-mode': 'persistent',
    },
    backend: { balance: { kind: 'round-robin' } },
    why: 'what Weir does anyway',
  },

  {
    given: {
      'w/request-headers-set': 'X-A: 1',
      'w/request-headers-add': 'X-B: 2',
      'w/request-headers-remove': 'x-c',
      'w/response-headers-set': 'X-D: 4',
      'w/response-headers-add': 'X-E: 5',
      'w/response-headers-remove': 'server',
    },
    filters: [
      { kind: 'request-headers', set: [['x-a', '1']], add: [['x-b', '2']], remove: ['x-c'] },
      { kind: 'response-headers', set: [['x-d', '4']], add: [['x-e', '5']], remove: ['server'] },
    ],
    why: 'both sides',
  },
  {
    given: {
      'n/enable-modsecurity': 'false',
      'n/auth-tls-verify-client': 'off',
      'n/satisfy': 'all',
      'n/limit-rps': '0',
      'n/canary': 'false',
      'n/proxy-buffering': 'off',
      'z/traffic-zone-aware': 'false',
      'z/aws-load-balancer-scheme': 'internet-facing',
    },

    why: 'unsupported keys that ask for nothing',
  },
]

for (const { given, path = '/', pathType = 'Prefix', filters = [], backend = {}, why } of asked) {
  t.test(`${JSON.stringify(given)} on ${path}: ${why}`, async (t) => {
    const reading = read(given, path)
    t.same(reading.termsFor(path, pathType), { conditions: [], filters, backend })
    const idle = reading.problems.filter(({ message }) => !message.includes('has no effect'))
    t.same(idle, [], 'without problems')
  })
}

const patterns = [
  { given: { 'n/use-regex': 'true' }, path: '/a', useRegex: true, why: 'asked for' },
  {
    given: { 'n/rewrite-target': '/$1' },
    path: '/a',
    useRegex: true,
    why: 'groups need a pattern',
  },
  {
    given: { 'n/rewrite-target': '/$1', 'n/use-regex': 'false' },
    path: '/a',
    useRegex: true,
    why: '"false" does not stop rewrite-target',
  },
  {
    given: { 'n/rewrite-target': '/' },
    path: '/foo/.*',
    useRegex: true,
    why: 'a path that can only be a pattern',
  },
  {
    given: { 'n/rewrite-target': '/' },
    path: '/a.b/c',
    useRegex: false,
    why: 'a plain path stays a prefix',
  },
  {
    given: { 'n/ssl-redirect': 'true' },
    path: '/foo/.*',
    useRegex: false,
    why: 'only rewrites imply patterns',
  },
  {
    given: { 'w/rewrite-prefix': '/' },
    path: '/a',
    useRegex: false,
    why: 'a prefix is no pattern',
  },
]

for (const { given, path, useRegex, why } of patterns) {
  t.test(
    `${JSON.stringify(given)} on ${path}: patterns ${useRegex ? 'on' : 'off'}: ${why}`,
    async (t) => {
      t.equal(read(given, path).useRegex, useRegex)
    },
  )
}

const wrong: {
  given: Record<string, string>
  reason: 'unknown-annotation' | 'invalid-annotation'
  closed: boolean
  why: string
}[] = [
  {
    given: { 'n/auth-url': 'auth.test' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'authentication would be lost',
  },
  {
    given: { 'n/auth-tls-secret': 'a/b' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'authentication would be lost',
  },
  {
    given: { 'n/auth-url': '' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'a template without a value wanted something',
  },
  {
    given: { 'n/limit-rps': '5r/s' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'the limit would be lost',
  },
  {
    given: { 'n/server-snippet': 'if ($http_x) { return 403; }' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'it may deny',
  },
  {
    given: { 'n/configuration-snippet': 'access_by_lua_block { ngx.exit(403) }' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'it may deny',
  },
  {
    given: { 'n/enable-modsecurity': 'true' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'the firewall would be lost',
  },
  {
    given: { 'n/auth-tls-secret': 'a/b' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'client certificates would be lost',
  },
  {
    given: { 'n/proxy-ssl-verify': 'on' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'ingress-nginx reads it with proxy-ssl-secret only',
  },
  {
    given: { 'n/backend-protocol': 'FCGI' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'HTTP is not what was asked for',
  },
  {
    given: { 'n/whitelist-source-range': '10.0.0.0/33' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'ingress-nginx answers 503, too',
  },
  {
    given: { 'n/whitelist-source-range': '' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'an empty list is not "everybody"',
  },
  {
    given: { 'n/denylist-source-range': 'office' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'Traefik let everyone in',
  },
  {
    given: { 'n/whitelist-source-range': '10.0.0.0/8', 'w/allow-source-ranges': '0.0.0.0/0' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'two different allow lists',
  },
  {
    given: { 'n/force-ssl-redirect': 'yes' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'plain http would be served',
  },
  {
    given: { 'n/rewrite-target': '/$uri' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'the path must not go upstream unrewritten',
  },
  {
    given: { 'n/permanent-redirect': 'b.test' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'the upstream was never to be served',
  },
  {
    given: { 'w/rewrite-prefix': '/', 'w/use-regex': 'true' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'which prefix?',
  },
  {
    given: { 'w/request-headers-remove': 'a b:c' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'an identity header would pass',
  },
  {
    given: { 'z/skipper-filter': 'opaAuthorizeRequest("app")' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'filters may authenticate',
  },
  {
    given: { 'z/skipper-predicate': 'ClientIPs("10.0.0.0/8")' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'predicates may keep out',
  },
  {
    given: { 'z/ratelimit': 'ratelimit(50,"soon")' },
    reason: 'invalid-annotation',
    closed: true,
    why: 'the limit would be lost',
  },
  {
    given: { 'z/aws-load-balancer-scheme': 'internal' },
    reason: 'unknown-annotation',
    closed: true,
    why: 'an internal service must not be on the internet',
  },
  {
    given: { 'n/whitelist-source-rnage': '10.0.0.0/8' },
    reason: 'unknown-annotation',
    closed: true,
    why: 'a slip of the keys must not open a route',
  },
  {
    given: { 'n/permanent-redirct': 'https://b.test' },
    reason: 'unknown-annotation',
    closed: true,
    why: 'near to a guarded key',
  },
  {
    given: { 'n/global-rate-limit': '5' },
    reason: 'unknown-annotation',
    closed: true,
    why: 'its name limits',
  },
  {
    given: { 'w/oidc-issuer': 'x' },
    reason: 'unknown-annotation',
    closed: true,
    why: 'its name authenticates',
  },

  {
    given: { 'n/canary': 'maybe' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'as in ingress-nginx it is no canary then',
  },
  {
    given: { 'n/enable-cors': 'on' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'browsers refuse by themselves',
  },
  {
    given: { 'n/proxy-request-buffering': 'maybe' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'tuning',
  },
  {
    given: { 'n/enable-opentracing': 'true' },
    reason: 'unknown-annotation',
    closed: false,
    why: 'removed from ingress-nginx',
  },
  {
    given: { 'n/proxy-read-timeout': '60s' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'the setting of the proxy holds',
  },
  {
    given: { 'n/proxy-body-size': '8mb' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'nginx has one letter',
  },
  {
    given: { 'n/permanent-redirect-code': '305' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'no redirect that we send',
  },
  {
    given: { 'n/load-balance': 'chash' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'round robin serves',
  },
  {
    given: { 'n/session-cookie-domain': 'a b' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'the cookie is that of the host',
  },
  {
    given: { 'n/affinity-mode': 'sticky' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'served in the usual mode',
  },
  {
    given: { 'n/affinity': 'ip' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'served without affinity',
  },
  {
    given: { 'n/x-forwarded-prefix': '/x' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'no effect without rewrite-target',
  },
  {
    given: { 'z/backend-weights': '{"a":1' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'the first backend serves',
  },
  {
    given: { 'z/skipper-loadbalancer': 'sometimes' },
    reason: 'invalid-annotation',
    closed: false,
    why: 'round robin serves',
  },
  {
    given: { 'w/colour': 'blue' },
    reason: 'unknown-annotation',
    closed: false,
    why: 'nobody is protected by it',
  },
]

for (const { given, reason, closed, why } of wrong) {
  t.test(
    `${JSON.stringify(given)} is reported${closed ? ' and closes' : ''}: ${why}`,
    async (t) => {
      const { termsFor, problems } = read(given)
      t.equal(problems.length, 1)
      const [problem] = problems
      const key = Object.keys(long(given)).at(-1)
      t.match(problem, { reason, kind: 'Ingress', namespace: 'shop', name: 'web' })
      t.ok(
        Object.keys(long(given)).some(
          (name) => problem?.field === `metadata.annotations["${name}"]`,
        ),
        `names ${key}`,
      )
      t.match(problem?.message, /\.$/)
      t.match(problem?.remedy, /[.?]$/)
      const { backend } = termsFor('/', 'Prefix')
      t.equal('kind' in backend && backend.kind, closed ? 'closed' : false)
    },
  )
}

t.test('one bad key does not stop the others from being read', async (t) => {
  const { termsFor, problems } = read({
    'n/nonsense': '1',
    'n/proxy-body-size': '1m',
    'n/affinity': 'ip',
  })
  t.same(termsFor('/', 'Prefix').backend, { limits: { maxBodyBytes: 1_048_576 } })
  t.equal(problems.length, 2)
})

const hints = [
  { given: 'n/proxy-body-sise', remedy: `Did you mean ${nginxPrefix}proxy-body-size?` },
  { given: 'n/proxy-buffers', remedy: `Did you mean ${nginxPrefix}proxy-buffers-number?` },
  { given: 'z/filter', remedy: 'Did you mean zalando.org/skipper-filter?' },
  { given: 'w/skipper-filter', remedy: 'Did you mean zalando.org/skipper-filter?' },
  { given: 'w/colour', remedy: 'Remove it.' },
]

t.test('a key that is not known is answered with the key that was meant', async (t) => {
  for (const { given, remedy } of hints) t.equal(read({ [given]: '1' }).problems[0]?.remedy, remedy)
})

t.test('equal paths share their terms', async (t) => {
  const plain = read({ 'n/proxy-body-size': '1m' })
  t.equal(
    plain.termsFor('/a', 'Prefix'),
    plain.termsFor('/b', 'Exact'),
    'where the path does not matter',
  )
  const rewriting = read({ 'w/rewrite-prefix': '/' })
  t.equal(rewriting.termsFor('/a', 'Prefix'), rewriting.termsFor('/a', 'Prefix'))
  t.not(rewriting.termsFor('/a', 'Prefix'), rewriting.termsFor('/b', 'Prefix'))
})

t.test('every key of every table survives hostile values', async (t) => {
  const hostile = [
    '',
    ' ',
    '\n',
    '\0',
    '$(id)',
    '"; return 200; #',
    '..',
    '-1',
    'NaN',
    '__proto__',
    'a'.repeat(10_000),
    '(((',
    '\ud800',
  ]
  for (const { prefix, rows } of families) {
    for (const { key, failsClosed } of rows) {
      for (const value of hostile) {
        const { termsFor, problems } = readAnnotations(ingress({ [prefix + key]: value }))
        const { filters, backend } = termsFor('/', 'Prefix')
        if (failsClosed && problems.length > 0)
          t.ok('kind' in backend, `${key} closes on ${value.slice(0, 20)}`)
        t.ok(compileFilters(filters, filterKinds, compileContext()).ok, key)
      }
    }
  }
})

t.test('objects that no API server would store are read without a throw', async (t) => {
  const objects: unknown[] = [
    {},
    { metadata: null },
    { metadata: { annotations: null } },
    { metadata: { annotations: 'text' } },
    { metadata: { annotations: [1, 2] } },
    {
      metadata: { annotations: { [`${nginxPrefix}rewrite-target`]: '/x' } },
      spec: { rules: [null, { http: { paths: [null, {}] } }, 7] },
    },
    { metadata: { annotations: { [`${nginxPrefix}app-root`]: '/x' } }, spec: { rules: 'none' } },
  ]
  for (const object of objects) t.ok(readAnnotations(object as Ingress))
  const unquoted: unknown = { metadata: { annotations: { [`${nginxPrefix}ssl-redirect`]: true } } }
  const { termsFor, problems } = readAnnotations(unquoted as Ingress)
  t.match(problems, [{ reason: 'invalid-annotation', remedy: 'Quote it.' }])
  t.ok('kind' in termsFor('/', 'Prefix').backend)
})
