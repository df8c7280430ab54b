// How a target is recognised: one spelling per address, whoever wrote it (AWS, kubelet, a person).

/** Builds the key of a target from its id (address or instance id) and port. */
export function targetKey(id: string, port: number): string {
  const canonical = canonicalId(id)
  return canonical.includes(':') ? `[${canonical}]:${port}` : `${canonical}:${port}`
}

/** Writes an IPv6 address in its one short form (RFC 5952); other ids are returned as they are. */
export function canonicalId(id: string): string {
  if (!id.includes(':')) return id
  const url = URL.parse(`http://[${id}]/`)
  return url === null ? id : url.hostname.slice(1, -1)
}
