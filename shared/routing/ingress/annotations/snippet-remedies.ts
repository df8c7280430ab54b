// What does the job of a directive of nginx that is not read? For problems: whoever wrote it looks for the native key.
const remedies: ReadonlyMap<string, string> = new Map([
  ['if', 'for conditions use an Ingress with weir.dev/match-header and its like'],
  ['location', 'write a rule for its path, in an Ingress of its own'],
  ['set', 'variables are not kept'],
  ['map', 'variables are not kept'],
  [
    'sub_filter',
    'bodies are not changed by Weir: change the application, or write a filter (weir.dev/filters)',
  ],
  ['sub_filter_once', 'bodies are not changed by Weir'],
  ['sub_filter_types', 'bodies are not changed by Weir'],
  ['rewrite', 'use weir.dev/rewrite-target'],
  ['proxy_pass', 'name the Service in a rule of the Ingress'],
  ['auth_basic', 'use auth-type: basic with auth-secret'],
  ['auth_basic_user_file', 'use auth-type: basic with auth-secret'],
  ['auth_request', 'use auth-url'],
  ['auth_request_set', 'use auth-response-headers for what the upstream should get'],
  ['satisfy', 'use the annotation satisfy'],
  ['limit_req', 'use limit-rps or limit-rpm'],
  ['limit_conn', 'use limit-connections'],
  ['limit_rate', 'use the annotation limit-rate'],
  ['proxy_cookie_path', 'use proxy-cookie-path'],
  ['proxy_cookie_domain', 'use proxy-cookie-domain'],
  ['proxy_redirect', 'use proxy-redirect-from and proxy-redirect-to'],
  ['proxy_ssl_verify', 'use proxy-ssl-verify'],
  ['proxy_intercept_errors', 'use custom-http-errors'],
  ['error_page', 'use custom-http-errors with default-backend'],
  ['proxy_ssl_name', 'use proxy-ssl-name with proxy-ssl-secret'],
  ['proxy_ssl_server_name', 'use proxy-ssl-server-name with proxy-ssl-secret'],
  ['modsecurity', 'attach a web application firewall to the load balancer'],
  ['modsecurity_rules', 'attach a web application firewall to the load balancer'],
  ['ssl_verify_client', 'use auth-tls-secret'],
])

/** The end of the sentence "… `directive`, …". */
export function remedyOf(directive: string): string {
  const remedy = /_by_lua/.test(directive)
    ? 'write a filter in JavaScript (weir.dev/filters)'
    : remedies.get(directive)
  return remedy === undefined ? 'which is not read' : `which is not read: ${remedy}`
}
