// One request as a row of a table: what is asked, what must come back, and what the application behind must have seen.
import { eventually } from '../../shared/testing/eventually.ts'
import { type Ask, ask } from '../support/ask.ts'
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import { fieldOf, readSight, type Sight } from './application.ts'

/** Values of fields: a text is the whole value, undefined is that the field is not there. */
export type Fields = Readonly<Record<string, string | RegExp | undefined>>

/** One request and what becomes of it. */
export interface Exchange extends Omit<Ask, 'host' | 'path'> {
  /** `host/path`, perhaps with `https://` before it: the client came so to a trusted proxy. */
  readonly url: string
  readonly status: number
  /** Of the response. */
  readonly back?: Fields
  /** Part of the body. */
  readonly says?: string
  /** Which application answered. */
  readonly by?: string
  /** Path and query as the application that answered got them. */
  readonly target?: string
  /** Fields as the application that answered got them. */
  readonly up?: Fields
  /** The last request that another application got. */
  readonly asked?: { readonly service: string; readonly fields: Fields; readonly target?: string }
}

/** Where a request is sent, and what applications saw. */
export interface Sent {
  readonly port: number
  seenBy(service: string): readonly Sight[]
}

/** Sends the request of an exchange. */
export function send(
  { port }: Pick<Sent, 'port'>,
  { url, fields = [], ...exchange }: Pick<Exchange, 'url'> & Partial<Exchange>,
): Promise<RawResponse> {
  const [, scheme, host = '', path = ''] = /^(?:(https?):\/\/)?([^/]+)(.*)$/.exec(url) ?? []
  const said = scheme === 'https' ? ['X-Forwarded-Proto: https'] : []
  return ask(port, { ...exchange, host, path, fields: [...said, ...fields] })
}

/** Makes one exchange; gives what was otherwise than it says, in words. */
export async function faultsOf(sent: Sent, exchange: Exchange): Promise<readonly string[]> {
  const { status, back = {}, says, by, target, up = {}, asked } = exchange
  const answer = await send(sent, exchange)
  const sight = readSight(answer.body)
  const faults = [
    ...unlike('status', `${status}`, `${answer.status}`),
    ...unlikeFields('response', back, (name) => joined(answer, name)),
    ...(says === undefined || answer.body.includes(says) ? [] : [`body ${answer.body}`]),
    ...(by === undefined ? [] : unlike('who answered', by, sight?.service)),
    ...(target === undefined ? [] : unlike('target', target, sight?.target)),
    ...unlikeFields('upstream', up, (name) => sight && fieldOf(sight, name)),
  ]
  if (faults.length > 0) return [...faults, `answer: ${answer.status} ${answer.body.slice(0, 200)}`]
  if (asked === undefined) return []
  await eventually(`${asked.service} was asked`, () => sent.seenBy(asked.service).length > 0)
  const last = sent.seenBy(asked.service).at(-1)
  return [
    ...(asked.target === undefined ? [] : unlike(asked.service, asked.target, last?.target)),
    ...unlikeFields(asked.service, asked.fields, (name) => last && fieldOf(last, name)),
  ]
}

function unlike(what: string, wanted: string | RegExp | undefined, got: string | undefined) {
  const fits = wanted instanceof RegExp ? wanted.test(got ?? '') : wanted === got
  return fits ? [] : [`${what}: ${got} instead of ${wanted}`]
}

function unlikeFields(
  where: string,
  wanted: Fields,
  get: (name: string) => string | undefined,
): string[] {
  return Object.entries(wanted).flatMap(([name, value]) =>
    unlike(`${where} ${name}`, value, get(name)),
  )
}

function joined(answer: RawResponse, name: string): string | undefined {
  const values = fieldsOf(answer, name)
  return values.length === 0 ? undefined : values.join(', ')
}
