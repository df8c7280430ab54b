// AWS's query protocol, server side: form fields in, XML out, as ELBv2 API version 2015-12-01 writes them.

/** An error as AWS reports it. */
export class ModelError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** A value of an answer: text, a structure, or a list of `member`s. */
export type WireValue =
  | string
  | readonly WireValue[]
  | { readonly [name: string]: WireValue | undefined }

/** A target as a request names it. */
export interface RequestTarget {
  readonly id: string
  readonly port: number | undefined
  readonly zone: string | undefined
}

/** Reads `NAME.member.1`, `NAME.member.2`, … */
export function listField(fields: URLSearchParams, name: string): string[] {
  const values: string[] = []
  for (let at = 1; ; at++) {
    const value = fields.get(`${name}.member.${at}`)
    if (value === null) return values
    values.push(value)
  }
}

/** Reads `Targets.member.N.{Id,Port,AvailabilityZone}`; undefined when there is none. */
export function targetsField(fields: URLSearchParams): RequestTarget[] | undefined {
  const targets: RequestTarget[] = []
  for (let at = 1; ; at++) {
    const id = fields.get(`Targets.member.${at}.Id`)
    if (id === null) return targets.length === 0 ? undefined : targets
    const port = fields.get(`Targets.member.${at}.Port`)
    targets.push({
      id,
      port: port === null ? undefined : Number(port),
      zone: fields.get(`Targets.member.${at}.AvailabilityZone`) ?? undefined,
    })
  }
}

/** Writes a successful answer. */
export function answerXml(action: string, result: WireValue): string {
  return `<${action}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><${action}Result>${toXml(result)}</${action}Result><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></${action}Response>`
}

/** Writes an error. */
export function errorXml({ code, message, status }: ModelError): string {
  const type = status >= 500 ? 'Receiver' : 'Sender'
  return `<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`
}

function toXml(value: WireValue): string {
  if (typeof value === 'string') return escapeXml(value)
  if (isList(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join('')
  return Object.entries(value)
    .map(([name, field]) => (field === undefined ? '' : `<${name}>${toXml(field)}</${name}>`))
    .join('')
}

function isList(value: WireValue): value is readonly WireValue[] {
  return Array.isArray(value)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
