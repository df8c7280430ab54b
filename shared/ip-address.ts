// Which one text stands for an IP address? Every address that is compared, logged or forwarded has passed through here.
// Invariant: two spellings of one address give one text: RFC 5952 (lower case, compressed), IPv4-mapped IPv6 as IPv4, no zone.

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** Tells whether `text` is a dotted quad without leading zeros. */
export function isIpv4(text: string): boolean {
  return ipv4.test(text)
}

/** Brings IPv4 or IPv6 text into its one form; undefined when it is neither (brackets and zones are not part of an address). */
export function normaliseAddress(text: string): string | undefined {
  if (ipv4.test(text)) return text
  const groups = parseIpv6(text)
  return groups === undefined ? undefined : formatIpv6(groups)
}

/** Reads the eight 16-bit groups of IPv6 text (RFC 4291 §2.2), or undefined. */
export function parseIpv6(text: string): number[] | undefined {
  if (text.length > 45) return undefined
  const gap = text.indexOf('::')
  if (gap === -1) {
    const groups = parseGroups(text)
    return groups?.length === 8 ? groups : undefined
  }
  const head = gap === 0 ? [] : parseGroups(text.slice(0, gap))
  const tail = gap + 2 === text.length ? [] : parseGroups(text.slice(gap + 2))
  // `::` stands for at least one group; a second `::` leaves an empty group, which parseGroups refuses.
  // An IPv4 part may only end the address, so never the head of a gap.
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined
  if (text.lastIndexOf('.', gap) !== -1) return undefined
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function parseGroups(text: string): number[] | undefined {
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else if (index === parts.length - 1 && ipv4.test(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
      groups.push(a * 256 + b, c * 256 + d)
    } else {
      return undefined
    }
  }
  return groups
}

/** Writes eight 16-bit groups as RFC 5952 asks: lower case, the first longest run of two or more zeros as `::`. */
export function formatIpv6(groups: readonly number[]): string {
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  const { start, length } = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}
