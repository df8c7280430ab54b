// Which header fields can neither choose a route nor be part of a key, because a request view does not have them?

/** Fields of one hop (RFC 9110 §7.6.1). Host is not among the fields either: a view has it as `host`. */
export const unseenFields: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
