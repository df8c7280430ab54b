// Which directives of nginx may a snippet hold that Weir need not act on? Those that neither protect anything nor change what is said:
// how bytes are kept and moved, how long is waited, what is logged. They are read over, and their author is told.
//
// Most of them had no effect in ingress-nginx either: each of its locations has these of its own, which go before those of a
// server's snippet, and in a location's nginx refuses the second one.
const asThere: readonly string[] = [
  ...['client_body_buffer_size', 'client_max_body_size'],
  ...['grpc_buffer_size', 'grpc_connect_timeout', 'grpc_read_timeout', 'grpc_send_timeout'],
  ...['proxy_buffer_size', 'proxy_buffering', 'proxy_buffers', 'proxy_busy_buffers_size'],
  ...['proxy_connect_timeout', 'proxy_http_version', 'proxy_max_temp_file_size'],
  ...['proxy_read_timeout', 'proxy_request_buffering', 'proxy_send_timeout'],
]
const ofNoUse: readonly string[] = [
  ...['access_log', 'error_log', 'log_not_found', 'log_subrequest'],
  ...['aio', 'directio', 'sendfile', 'tcp_nodelay', 'tcp_nopush', 'output_buffers'],
  ...['chunked_transfer_encoding', 'etag', 'keepalive_timeout', 'keepalive_requests'],
  ...['client_body_timeout', 'client_header_timeout', 'send_timeout'],
  ...['ignore_invalid_headers', 'large_client_header_buffers', 'client_header_buffer_size'],
  ...['proxy_force_ranges', 'proxy_ignore_client_abort', 'proxy_pass_header'],
  ...['proxy_socket_keepalive', 'underscores_in_headers'],
  ...['resolver', 'resolver_timeout', 'server_tokens', 'types_hash_max_size'],
  ...['gzip', 'gzip_buffers', 'gzip_comp_level', 'gzip_disable', 'gzip_http_version'],
  ...['gzip_min_length', 'gzip_proxied', 'gzip_static', 'gzip_types', 'gzip_vary'],
  ...['brotli', 'brotli_comp_level', 'brotli_min_length', 'brotli_types'],
  ...['proxy_cache', 'proxy_cache_bypass', 'proxy_cache_key', 'proxy_cache_lock'],
  ...['proxy_cache_methods', 'proxy_cache_min_uses', 'proxy_cache_revalidate'],
  ...['proxy_cache_background_update', 'proxy_cache_use_stale', 'proxy_cache_valid'],
  ...['proxy_ignore_headers', 'proxy_no_cache'],
]
const idle: ReadonlySet<string> = new Set([...asThere, ...ofNoUse])

/** Says whether a directive is read over. */
export function isIdle(directive: string, args: readonly string[]): boolean {
  if (idle.has(directive)) return true
  // Off is how it is without them.
  return (directive === 'proxy_redirect' || directive === 'expires') && args.join() === 'off'
}
