// Which value has a cookie in a Cookie field? (RFC 6265 §4.2.1, §5.4)

/** Finds the first cookie of that name: the most specific path comes first. One scan of the text, whatever a client sends. */
export function findCookie(header: string, name: string): string | undefined {
  const needle = `${name}=`
  for (
    let at = header.indexOf(needle);
    at !== -1;
    at = header.indexOf(needle, at + needle.length)
  ) {
    if (!startsCookie(header, at)) continue
    const semicolon = header.indexOf(';', at)
    return header.slice(at + needle.length, semicolon === -1 ? header.length : semicolon).trimEnd()
  }
  return undefined
}

function startsCookie(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && (header[before] === ' ' || header[before] === '\t')) before--
  return before < 0 || header[before] === ';'
}

/** Takes off the quotes that may stand around a value (RFC 6265 §4.1.1). */
export function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value
}
