// How is an address written together with its port? One spelling for logs, keys, cookies and URLs.

/** Writes `host:port`, an IPv6 address in brackets (RFC 3986 §3.2.2). `host` is an address or a name, without brackets. */
export function formatHostPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
