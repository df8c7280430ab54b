// What name and password does a request bring?

/** Reads `Basic base64(name:password)` (RFC 7617 §2), as latin1 bytes; undefined when it is none. */
export function readCredentials(
  field: string | undefined,
): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(field ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('latin1')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
