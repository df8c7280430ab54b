// The annotations of ingress-nginx that Weir knows and does not act on, each with what its loss means.
// `refused` closes the route: the key limits who may do what, or how safely, and serving without it would serve open.
import { refused, type UnsupportedRow, unsupported } from './row.ts'

const off = ['false', 'off', '0']
const noClientTls = 'Client certificates are not supported: TLS ends at the load balancer.'
const noBackendTls = 'TLS to endpoints is not supported, so nothing would be verified.'
const noSnippet =
  'Raw nginx text is never run, and may hold deny rules. Use the structured `weir.dev/` keys.'
const noWaf = 'There is no web application firewall in Weir. Attach one to the load balancer.'
const withWeir = (keys: string) => `Not read in nginx’s words: use ${keys}.`
const errorPages = withWeir('`weir.dev/error-pages` and `weir.dev/error-pages-from`')
const noTrace = 'Tracing is not supported; `traceparent` passes unchanged.'

/** Known keys without effect. */
export const nginxUnsupported: readonly UnsupportedRow[] = [
  // Authentication and client certificates.
  refused('auth-tls-secret', 'namespace/name', noClientTls),
  refused('auth-tls-verify-client', '`on`, `off`, …', noClientTls, off),
  refused('auth-tls-verify-depth', 'int', noClientTls),
  refused('auth-tls-error-page', 'URL', noClientTls),
  refused('auth-tls-match-cn', 'pattern', noClientTls),
  refused('auth-tls-pass-certificate-to-upstream', 'bool', noClientTls, off),

  // Raw text and firewalls.
  refused('configuration-snippet', 'nginx text', noSnippet),
  refused('server-snippet', 'nginx text', noSnippet),
  refused('stream-snippet', 'nginx text', noSnippet),
  refused('auth-snippet', 'nginx text', noSnippet),
  refused('modsecurity-snippet', 'text', noWaf),
  refused('enable-modsecurity', 'bool', noWaf, off),
  refused('enable-owasp-core-rules', 'bool', noWaf, off),
  refused('modsecurity-transaction-id', 'text', noWaf),

  // TLS.
  refused('proxy-ssl-secret', 'namespace/name', noBackendTls),
  refused('proxy-ssl-verify', '`on`, `off`', noBackendTls, off),
  refused('proxy-ssl-verify-depth', 'int', noBackendTls),
  refused('proxy-ssl-server-name', '`on`, `off`', noBackendTls, off),
  refused('proxy-ssl-name', 'name', noBackendTls),
  refused('proxy-ssl-protocols', 'list', noBackendTls),
  refused('proxy-ssl-ciphers', 'text', noBackendTls),
  refused(
    'ssl-passthrough',
    'bool',
    'TLS is not passed through to endpoints. Use a load balancer of its own.',
    off,
  ),
  unsupported(
    'ssl-ciphers',
    'text',
    'TLS ends at the load balancer: choose its security policy there.',
  ),
  unsupported('ssl-prefer-server-ciphers', 'bool', 'TLS ends at the load balancer.', off),

  // Routing.
  unsupported('server-alias', 'hosts', 'Write a rule for each host.'),
  unsupported(
    'from-to-www-redirect',
    'bool',
    'Write an Ingress for the other host with `weir.dev/redirect-to`.',
    off,
  ),
  unsupported('upstream-vhost', 'host', 'The Host of the client goes upstream.'),
  unsupported(
    'default-backend',
    'Service',
    'A Service without endpoints answers 503; `weir.dev/error-pages` gives it a page.',
  ),
  // Balance and affinity.

  // Buffers, retries and versions.
  unsupported('proxy-http-version', '`1.0`, `1.1`', 'Weir speaks HTTP/1.1 to endpoints.', ['1.1']),
  unsupported('http2-push-preload', 'bool', 'Browsers no longer take HTTP/2 push.', off),

  // Headers and cookies.
  unsupported(
    'connection-proxy-header',
    'text',
    'The Connection header belongs to the connection.',
  ),
  unsupported('custom-headers', 'namespace/ConfigMap', 'Use `weir.dev/response-headers-set`.'),

  // Errors, logs and traces.
  unsupported('custom-http-errors', 'codes', errorPages),
  unsupported(
    'disable-proxy-intercept-errors',
    'bool',
    'Error responses of upstreams pass unchanged, unless `weir.dev/error-pages` names them.',
    ['true', ...off],
  ),
  unsupported('enable-access-log', 'bool', 'The access log is one for all routes.', ['true']),
  unsupported('enable-rewrite-log', 'bool', 'Rewrites are not logged.', off),
  unsupported('enable-opentelemetry', 'bool', noTrace, off),
  unsupported('opentelemetry-trust-incoming-span', 'bool', noTrace),
  unsupported('opentelemetry-operation-name', 'text', noTrace),
  unsupported('fastcgi-index', 'name', 'FastCGI is not supported.'),
  unsupported('fastcgi-params-configmap', '[namespace/]ConfigMap', 'FastCGI is not supported.'),
]
