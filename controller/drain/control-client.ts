// Talks to the proxy in the same pod over the Unix socket of shared/control-socket.ts, one connection per question.
// Invariant: never throws and never waits longer than its timeout; a proxy that cannot be reached is undefined.
import { connect } from 'node:net'
import {
  ControlLineSplitter,
  type ControlReply,
  type ControlRequest,
  type ControlStatus,
  encodeControlLine,
  parseControlReply,
} from '../../shared/control-socket.ts'

const timeoutMs = 2_000

/** The proxy's side of the choreography. */
export interface ProxyControl {
  /** How the proxy is; undefined when it cannot be asked. */
  status(): Promise<ControlStatus | undefined>
  /** Resolves with true when the proxy goes on answering health checks with 200 for 10 s; `boundSeconds` as in `drain`. */
  hold(boundSeconds: number): Promise<boolean>
  /** Resolves with true when the proxy has begun to drain; it waits for `released` for `boundSeconds` at most. */
  drain(reason: string, boundSeconds: number): Promise<boolean>
  /** Resolves with true when the proxy knows that the load balancer has let go. */
  released(): Promise<boolean>
}

/** Creates a client of the socket at `path`; nothing is opened before the first question. */
export function createProxyControl(path: string): ProxyControl {
  return {
    async status() {
      const reply = await ask(path, { op: 'status' })
      return reply !== undefined && 'state' in reply ? reply : undefined
    },
    async hold(boundSeconds) {
      return isOk(await ask(path, { op: 'hold', boundSeconds }))
    },
    async drain(reason, boundSeconds) {
      return isOk(await ask(path, { op: 'drain', reason, boundSeconds }))
    },
    async released() {
      return isOk(await ask(path, { op: 'released' }))
    },
  }
}

function isOk(reply: ControlReply | undefined): boolean {
  return reply !== undefined && 'ok' in reply && reply.ok
}

function ask(path: string, request: ControlRequest): Promise<ControlReply | undefined> {
  return new Promise((resolve) => {
    const splitter = new ControlLineSplitter()
    const socket = connect(path)
    const finish = (reply: ControlReply | undefined): void => {
      socket.destroy()
      resolve(reply)
    }
    // Real time: this bounds another process, not a schedule of ours.
    socket.setTimeout(timeoutMs, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('connect', () => socket.write(encodeControlLine(request)))
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      try {
        const [line] = splitter.push(text)
        if (line !== undefined) finish(parseControlReply(line))
      } catch {
        finish(undefined)
      }
    })
  })
}
