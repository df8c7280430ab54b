// The annotations of ingress-nginx that Weir knows and does not act on, each with what its loss means.
// `refused` closes the route: the key limits who may do what, or how safely, and serving without it would serve open.
import { ofHost, refused, type UnsupportedRow, unsupported } from './row.ts'

const off = ['false', 'off', '0']
const noClientTls = 'Client certificates are not supported: TLS ends at the load balancer.'
const noWaf = 'There is no web application firewall in Weir. Attach one to the load balancer.'

/** Known keys without effect. */
export const nginxUnsupported: readonly UnsupportedRow[] = [
  // Authentication and client certificates.
  ofHost(refused('auth-tls-secret', 'namespace/name', noClientTls)),
  refused('auth-tls-verify-client', '`on`, `off`, …', noClientTls, off),
  refused('auth-tls-verify-depth', 'int', noClientTls),
  refused('auth-tls-error-page', 'URL', noClientTls),
  refused('auth-tls-match-cn', 'pattern', noClientTls),
  refused('auth-tls-pass-certificate-to-upstream', 'bool', noClientTls, off),

  // Raw text and firewalls.
  refused('modsecurity-snippet', 'text', noWaf),
  refused('enable-modsecurity', 'bool', noWaf, off),
  refused('enable-owasp-core-rules', 'bool', noWaf, off),
  refused('modsecurity-transaction-id', 'text', noWaf),

  // TLS.
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
  // Balance and affinity.

  // Buffers, retries and versions.
  unsupported('proxy-http-version', '`1.0`, `1.1`', 'Weir speaks HTTP/1.1 to endpoints.', ['1.1']),
  unsupported('http2-push-preload', 'bool', 'Browsers no longer take HTTP/2 push.', off),

  // Headers and cookies.

  // Errors, logs and traces.
  unsupported('enable-access-log', 'bool', 'The access log is one for all routes.', ['true']),
  unsupported('enable-rewrite-log', 'bool', 'Rewrites are not logged.', off),
  unsupported('fastcgi-index', 'name', 'FastCGI is not supported.'),
  unsupported('fastcgi-params-configmap', '[namespace/]ConfigMap', 'FastCGI is not supported.'),
]
