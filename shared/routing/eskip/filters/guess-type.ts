// Which media type does Go guess for a text (net/http.DetectContentType, after the WHATWG's MIME Sniffing Standard, §7.1)?

const html =
  /^[\t\n\f\r ]*<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P)[ >]|^[\t\n\f\r ]*<!--/i
const xml = /^[\t\n\f\r ]*<\?xml/
// Bytes that no text has.
const binary = /[^\t\n\f\r -\uffff]/

/** Guesses the type by the first 512 characters. */
export function guessType(text: string): string {
  const start = text.slice(0, 512)
  if (html.test(start)) return 'text/html; charset=utf-8'
  if (xml.test(start)) return 'text/xml; charset=utf-8'
  if (start.startsWith('%PDF-')) return 'application/pdf'
  return binary.test(start) ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}
