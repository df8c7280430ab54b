// What does a proxy expect on its data port? Its admin port tells at /status.
import {
  type DataPort,
  maxControlLineBytes,
  parseControlReply,
} from '../../shared/control-socket.ts'
import { formatHostPort } from '../../shared/host-port.ts'

// Not imported, for the reason that admin-server.ts tells.
const { get } = process.getBuiltinModule('node:http')

/** Asks the proxy at an address; resolves with undefined when it does not tell. Never rejects. */
export type AskProxy = (address: string) => Promise<DataPort | undefined>

// Real time: this bounds another process, not a schedule of ours.
const timeoutMs = 1_000

/** Asks over HTTP at the admin port `port`. */
export function createAskProxy(port: number): AskProxy {
  return async (address) => {
    const text = await fetchText(`http://${formatHostPort(address, port)}/status`)
    const reply = text === undefined ? undefined : parseControlReply(text)
    if (reply === undefined || !('proxyProtocol' in reply)) return undefined
    const { proxyProtocol, h2c } = reply
    return { proxyProtocol, h2c }
  }
}

function fetchText(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = get(url, { agent: false, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (some: string) => {
        text += some
        if (text.length > maxControlLineBytes) response.destroy()
      })
      response.on('error', () => resolve(undefined))
      response.on('close', () => {
        const isWhole = response.complete && text.length <= maxControlLineBytes
        resolve(isWhole && response.statusCode === 200 ? text : undefined)
      })
    })
    request.on('error', () => resolve(undefined))
  })
}
