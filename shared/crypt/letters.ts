// How do the hashes of crypt(3) write their bytes? Base64 of its own kind: low bits first.

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Writes `count` letters of a value, six bits each, the lowest first. */
export function letters(value: number, count: number): string {
  let text = ''
  for (let left = value, n = 0; n < count; n += 1, left >>= 6) text += alphabet[left & 0x3f]
  return text
}

/** Reads one letter; -1 when it is none. */
export function letterValue(letter: string): number {
  return letter === '' ? -1 : alphabet.indexOf(letter)
}
