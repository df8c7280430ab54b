// What does a Forwarded field say? Its elements become the lists that X-Forwarded-For, -Proto and -Host would be (RFC 7239).
//
// Invariant: the lists have one member per element, in order, so that hops of one list are those of the others.

/** Lists with a comma between members; `unknown` or `*` stands where an element says nothing that fits into a list. */
export interface ForwardedLists {
  readonly forwardedFor: string
  readonly forwardedProto: string
  readonly forwardedHost: string
}

// More lenient than §4 in what is in use: white space around `;`, and addresses with colons without quotes.
const pair =
  /[\t ]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[\t ]*(?:([;,])|$)/y
const nothing = /[\t ]*(?:,|$)/y

/** Reads a value, several lines joined by commas; undefined when it is malformed: then nothing of it means anything. */
export function readForwarded(value: string): ForwardedLists | undefined {
  const elements: ReadonlyMap<string, string>[] = []
  let element = new Map<string, string>()
  for (let at = 0; at < value.length; ) {
    // RFC 9110 §5.6.1: empty members mean nothing.
    nothing.lastIndex = at
    if (element.size === 0 && nothing.test(value)) {
      at = nothing.lastIndex
      continue
    }
    pair.lastIndex = at
    const match = pair.exec(value)
    if (match === null) return undefined
    const [, name = '', quoted, plain = '', separator] = match
    const key = name.toLowerCase()
    // §4: each parameter once per element.
    if (element.has(key)) return undefined
    element.set(key, quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1'))
    at = pair.lastIndex
    if (separator !== ';') {
      elements.push(element)
      element = new Map()
    } else if (at >= value.length) return undefined
  }
  const listOf = (key: string, absent: string) =>
    elements.map((one) => listMember(one.get(key)) ?? absent).join(', ')
  return {
    forwardedFor: listOf('for', 'unknown'),
    // No scheme and no host looks like this.
    forwardedProto: listOf('proto', '*'),
    forwardedHost: listOf('host', '*'),
  }
}

/** What can be a member of a list without quotes. */
function listMember(text: string | undefined): string | undefined {
  return text !== undefined && /^[!#-+\--[\]-~]+$/.test(text) ? text : undefined
}
