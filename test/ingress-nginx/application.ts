// What answers behind the proxy? An application that tells what it got, and answers as the request itself asks: the field
// `X-Say-NAME: 401 Unauthorized | X-User: ann` is the answer of the Service NAME, or of those of the namespace NAME where Services
// are named with it, so that a row of a table shows both sides.
import type { Message } from '../hostile/grammar.ts'
import {
  type Place,
  type Script,
  type ScriptedUpstream,
  startScripted,
} from '../support/upstream.ts'

/** What an application saw, as its answers tell it. */
export interface Sight {
  readonly service: string
  readonly method: string
  readonly target: string
  /** In order, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Starts the application of a Service: its name, or `namespace/name`. */
export function startApplication(service: string, place: Place = {}): Promise<ScriptedUpstream> {
  const script: Script = {
    onRequest(request, side) {
      const sight = sightOf(service, request)
      const said = fieldOf(sight, `x-say-${service.split('/')[0]}`) ?? '200 OK'
      side.send(answerOf(said, sight))
      // Nothing else ends a body of HTTP/1.0 without a length.
      if (said.startsWith('HTTP/1.0')) side.socket.end()
      return undefined
    },
  }
  return startScripted(script, place)
}

/** What reached the application with this request. */
export function sightOf(service: string, { method, target, fields, body }: Message): Sight {
  const lower = fields.map(([name, value]) => [name.toLowerCase(), value] as const)
  return { service, method, target, fields: lower, body }
}

/** The values of a field joined as RFC 9110 §5.3 has it; undefined when it is not there. */
export function fieldOf({ fields }: Pick<Sight, 'fields'>, name: string): string | undefined {
  const values = fields.filter(([each]) => each === name.toLowerCase()).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** Reads what an application told; undefined when the answer is somebody else's. */
export function readSight(body: string): Sight | undefined {
  return body.startsWith('{"service"') ? JSON.parse(body) : undefined
}

function answerOf(said: string, sight: Sight): string {
  const [first = '', ...lines] = said.split(' | ')
  const isOld = first.startsWith('HTTP/1.0')
  const status = isOld ? first : `HTTP/1.1 ${first}`
  const body = / (204|304) /.test(`${status} `) ? '' : JSON.stringify(sight)
  const length = isOld ? [] : [`Content-Length: ${body.length}`]
  return `${[status, ...lines, ...length].join('\r\n')}\r\n\r\n${sight.method === 'HEAD' ? '' : body}`
}
