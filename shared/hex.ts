// How do 32 bits become eight hexadecimal digits where it is done for each request? `toString(16)` with padding costs five times as much.

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Writes the low 32 bits of a number as eight lower-case hexadecimal digits. */
export function hex32(value: number): string {
  const high = (digits[value >>> 24] ?? '') + (digits[(value >>> 16) & 255] ?? '')
  return high + (digits[(value >>> 8) & 255] ?? '') + (digits[value & 255] ?? '')
}
