// What does a strict recipient make of one head? Pure; RFC 9112 by the letter, every doubtful form refused.

/** One message as a strict recipient reads it. Text is latin1. */
export interface Message {
  readonly kind: 'request' | 'response'
  /** Of a request. */
  readonly method: string
  readonly target: string
  /** Of a response; 0 for a request. */
  readonly status: number
  readonly version: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close'
  /** The announced length; 0 unless `framing` is `length`. */
  readonly length: number
  /** The first `bodyCap` characters. */
  body: string
  bodyBytes: number
  trailers: (readonly [name: string, value: string])[]
  chunkExtensions: number
  complete: boolean
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// RFC 9112 §7.1.1 without the optional white space that only a sender of old would write.
export const chunkLine =
  /^([0-9A-Fa-f]+)((?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*)$/

/** Gives the values of a field, in order. */
export function valuesOf(message: Message, name: string): readonly string[] {
  const wanted = name.toLowerCase()
  return message.fields.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value)
}

/** Gives the lower-case members of a comma-separated field over all its lines. */
export function listOf(message: Message, name: string): readonly string[] {
  return valuesOf(message, name)
    .join(',')
    .split(',')
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')
}

/** Reads fields strictly; a string says what is wrong. */
export function readFields(lines: readonly string[]): [string, string][] | string {
  const fields: [string, string][] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) return `no field: ${JSON.stringify(line.slice(0, 60))}`
    const name = line.slice(0, colon)
    if (!token.test(name)) return `field name ${JSON.stringify(name.slice(0, 60))}`
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return `control byte in ${name}`
    fields.push([name, value])
  }
  return fields
}

interface Framing {
  readonly framing: Message['framing']
  readonly length: number
}

/** Decides where the body ends (RFC 9112 §6.3), refusing every doubtful form. */
export function readFraming(
  message: Pick<Message, 'kind' | 'status' | 'version' | 'fields'>,
  requestMethod: string,
): Framing | string {
  const values = (name: string) =>
    message.fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const lengths = values('content-length')
  const codings = values('transfer-encoding')
  if (lengths.length > 1) return 'several Content-Length'
  if (codings.length > 1) return 'several Transfer-Encoding'
  if (lengths.length + codings.length === 2) return 'Content-Length with Transfer-Encoding'
  const coding = codings[0]
  const isChunked = coding?.toLowerCase() === 'chunked' && message.version === 'HTTP/1.1'
  if (coding !== undefined && !isChunked) return `Transfer-Encoding ${JSON.stringify(coding)}`
  const text = lengths[0]
  if (text !== undefined && !/^\d{1,19}$/.test(text))
    return `Content-Length ${JSON.stringify(text)}`
  const length = Number(text ?? '0')
  // An announced length beyond 2^53 is grammar, and a request nobody should take.
  if (message.kind === 'request' && !Number.isSafeInteger(length)) return `Content-Length ${text}`
  if (message.kind === 'response') {
    const { status } = message
    if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) {
      return { framing: 'none', length: 0 }
    }
  }
  if (coding !== undefined) return { framing: 'chunked', length: 0 }
  if (text !== undefined) return { framing: length === 0 ? 'none' : 'length', length }
  return { framing: message.kind === 'request' ? 'none' : 'until-close', length: 0 }
}

export function readRequestLine(
  line: string,
): Pick<Message, 'method' | 'target' | 'version'> | string {
  const match = /^([^ ]+) ([\x21-\x7e\x80-\xff]+) (HTTP\/1\.[01])$/.exec(line)
  if (match === null || !token.test(match[1] ?? '')) {
    return `request line ${JSON.stringify(line.slice(0, 60))}`
  }
  return { method: match[1] ?? '', target: match[2] ?? '', version: match[3] ?? '' }
}

export function readStatusLine(line: string): Pick<Message, 'status' | 'version'> | string {
  const match = /^(HTTP\/1\.[01]) (\d{3})(?: ([\t \x21-\x7e\x80-\xff]*))?$/.exec(line)
  if (match === null) return `status line ${JSON.stringify(line.slice(0, 60))}`
  return { status: Number(match[2]), version: match[1] ?? '' }
}
