// The annotations of ingress-nginx that Weir knows and does not act on, each with what its loss means.
// `refused` closes the route: the key limits who may do what, or how safely, and serving without it would serve open.
import { refused, type UnsupportedRow, unsupported } from './row.ts'

const off = ['false', 'off', '0']
const noWaf = 'There is no web application firewall in Weir. Attach one to the load balancer.'

/** Known keys without effect. */
export const nginxUnsupported: readonly UnsupportedRow[] = [
  // Raw text and firewalls.
  refused('modsecurity-snippet', 'text', noWaf),
  refused('enable-owasp-core-rules', 'bool', noWaf, off),
  refused('modsecurity-transaction-id', 'text', noWaf),

  // TLS.
  unsupported(
    'ssl-ciphers',
    'text',
    'Ciphers are those of `--tls-ciphers` for all hosts, or of the load balancer that ends TLS.',
  ),
  unsupported(
    'ssl-prefer-server-ciphers',
    'bool',
    'The order of the client counts: all ciphers that are allowed are good.',
    off,
  ),

  // Routing.
  // Balance and affinity.

  // Buffers, retries and versions.
  unsupported('proxy-http-version', '`1.0`, `1.1`', 'Weir speaks HTTP/1.1 to endpoints.', ['1.1']),
  unsupported('http2-push-preload', 'bool', 'Browsers no longer take HTTP/2 push.', off),

  // Headers and cookies.

  // Errors, logs and traces.
  unsupported('enable-rewrite-log', 'bool', 'Rewrites are not logged.', off),
  unsupported('fastcgi-index', 'name', 'FastCGI is not supported.'),
  unsupported('fastcgi-params-configmap', '[namespace/]ConfigMap', 'FastCGI is not supported.'),
]
