// What does a query say about one parameter? The rules are those of the URL Standard, "application/x-www-form-urlencoded
// parsing", which applications' own readers follow: pieces between `&`, the name before the first `=`, `+` is a space,
// %XX is a byte (decoded once; what is no escape stays), bytes are UTF-8.
//
// Invariant: for a query of ASCII it is what `new URLSearchParams(query).get(name)` gives, without reading all of it into a list.

const plain = /^[!-$&-*,-~]*$/

/** Finds the first value of `name`, decoded; undefined when there is none. `query` is latin1 and begins with its `?`, or is empty. */
export function firstParameter(query: string, name: string): string | undefined {
  // Behind the `?`.
  for (let start = 1; start < query.length; ) {
    const end = endOf(query, start)
    const value = valueIn(query.slice(start, end), name)
    if (value !== undefined) return value
    start = end + 1
  }
  return undefined
}

/** Finds all values of `name`, decoded, in their order. */
export function parametersOf(query: string, name: string): readonly string[] {
  const pieces = query === '' ? [] : query.slice(1).split('&')
  return pieces.map((piece) => valueIn(piece, name)).filter((value) => value !== undefined)
}

function endOf(query: string, start: number): number {
  const found = query.indexOf('&', start)
  return found === -1 ? query.length : found
}

function valueIn(piece: string, name: string): string | undefined {
  if (piece === '') return undefined
  const equals = piece.indexOf('=')
  const ownName = equals === -1 ? piece : piece.slice(0, equals)
  if (decode(ownName) !== name) return undefined
  return equals === -1 ? '' : decode(piece.slice(equals + 1))
}

function decode(text: string): string {
  if (plain.test(text)) return text
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
