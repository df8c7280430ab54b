// What the proxy and the controller beside it say to each other over the Unix socket that both containers share.
// One JSON object per line, one reply line per request line, in order. The proxy serves, the controller asks.
// Invariant: nothing that arrives here is trusted to be well formed; a line that is not understood is undefined.

/** Whether the proxy expects a PROXY protocol header on its data port. */
export type ProxyProtocolMode = 'off' | 'required' | 'optional'

/** What the controller asks. */
export type ControlRequest =
  /** How the proxy is doing. */
  | { readonly op: 'status' }
  /**
   * Nobody else can serve yet: keep answering health checks with 200 although SIGTERM came. Holds for 10 s and is said
   * again meanwhile. `boundSeconds` as in `drain`.
   */
  | { readonly op: 'hold'; readonly boundSeconds: number }
  /**
   * Start draining: the health path answers 503, requests are still served with `Connection: close`. After SIGTERM the
   * proxy waits for `released` until `boundSeconds` from now are over: it takes the place of its own --drain-seconds.
   */
  | { readonly op: 'drain'; readonly reason: string; readonly boundSeconds: number }
  /** The load balancer has let go: end idle connections, finish what is in flight, exit if SIGTERM came. */
  | { readonly op: 'released' }

/** The answer to `status`. */
export interface ControlStatus {
  readonly state: 'serving' | 'draining' | 'drained'
  /** Requests and tunnels that are not finished. */
  readonly inFlight: number
  readonly proxyProtocol: ProxyProtocolMode
  /** Clients may speak HTTP/2 on the data port (by prior knowledge). A proxy that does not tell does not. */
  readonly h2c: boolean
}

/** What a proxy expects on its data port. */
export type DataPort = Pick<ControlStatus, 'proxyProtocol' | 'h2c'>

/** The answer to `hold`, `drain` and `released`; `error` when the proxy did not do it. */
export type ControlDone = { readonly ok: true } | { readonly ok: false; readonly error: string }

/** What the proxy answers. */
export type ControlReply = ControlStatus | ControlDone

/** The longest line that either side reads, in bytes; more ends the connection. */
export const maxControlLineBytes = 4096

/** Encodes one message as one line. */
export function encodeControlLine(message: ControlRequest | ControlReply): string {
  return `${JSON.stringify(message)}\n`
}

/** Splits a stream of bytes into lines; throws RangeError once a line exceeds `maxControlLineBytes`. */
export class ControlLineSplitter {
  #rest = ''

  /** Takes the bytes that arrived and returns the lines that are now complete. */
  push(bytes: string): string[] {
    const lines = (this.#rest + bytes).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > maxControlLineBytes) throw new RangeError('control line too long')
    return lines
  }
}

/** Reads a request line; undefined when it is not one. */
export function parseControlRequest(line: string): ControlRequest | undefined {
  const fields = parseObject(line)
  switch (fields?.op) {
    case 'status':
      return { op: 'status' }
    case 'released':
      return { op: 'released' }
    case 'hold': {
      const { boundSeconds } = fields
      return isBound(boundSeconds) ? { op: 'hold', boundSeconds } : undefined
    }
    case 'drain': {
      const { reason, boundSeconds } = fields
      if (typeof reason !== 'string' || !isBound(boundSeconds)) return undefined
      return { op: 'drain', reason, boundSeconds }
    }
    default:
      return undefined
  }
}

/** Reads a reply line; undefined when it is not one. */
export function parseControlReply(line: string): ControlReply | undefined {
  const fields = parseObject(line)
  if (fields === undefined) return undefined
  if (fields.ok === true) return { ok: true }
  if (fields.ok === false) return { ok: false, error: String(fields.error ?? '') }
  const state = states.find((known) => known === fields.state)
  const proxyProtocol = modes.find((known) => known === fields.proxyProtocol)
  if (state === undefined || proxyProtocol === undefined) return undefined
  if (typeof fields.inFlight !== 'number') return undefined
  return { state, inFlight: fields.inFlight, proxyProtocol, h2c: fields.h2c === true }
}

// A day: longer waits would overflow a timer and help nobody.
const longestBoundSeconds = 86_400

function isBound(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= longestBoundSeconds
}

const states = ['serving', 'draining', 'drained'] as const
const modes = ['off', 'required', 'optional'] as const

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return { ...value }
  } catch {
    return undefined
  }
}
