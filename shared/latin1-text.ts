// How do texts that people write become the bytes that go over the wire? Fields and targets are latin1: one char, one byte.

/** The UTF-8 bytes of a text, each as a char. Text of ASCII comes back as it is. */
export function latin1Of(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** The text that bytes (latin1) are in UTF-8. */
export function textOfLatin1(bytes: string): string {
  return /[^\0-\x7f]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
}

/** Says whether a text holds a control character other than a tab: it can be no field value (RFC 9110 §5.5). */
export function holdsControls(text: string): boolean {
  return /[^\t -~\x80-\uffff]/.test(text)
}
