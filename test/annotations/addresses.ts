// Which loopback addresses do the endpoints of a run have? Those of the cases, or, while another run on this machine has them,
// the same moved on: a run holds a listener that says which are its own.
import { once } from 'node:events'
import net from 'node:net'

/** The addresses of one run. */
export interface Addresses {
  /** Puts the run's own addresses and ports in the place of those in a text of cases. */
  moved(text: string): string
  /** Gives them free. */
  release(): void
}

// The cases use 127.64.0.0 to 127.66.255.255, and for names outside ports from 28400 on 127.0.0.1.
const networks = 3
const most = 40
const network = /\b127\.(6[4-6])\.(?=\d+\.\d+)/g
const outsidePort = /\b284(?=\d\d\b)/g

/** Takes addresses that no other run has; rejects when all are taken. */
export async function takeAddresses(): Promise<Addresses> {
  for (let block = 0; block < most; block += 1) {
    const holder = await hold(`127.${64 + block * networks}.255.254`)
    if (holder === undefined) continue
    return {
      moved: (text) =>
        text
          .replace(network, (_, second) => `127.${Number(second) + block * networks}.`)
          .replace(outsidePort, `${284 + block}`),
      release: () => holder.close(),
    }
  }
  throw new Error('all addresses of the cases are taken by other runs')
}

async function hold(address: string): Promise<net.Server | undefined> {
  const server = net.createServer()
  server.listen(8080, address)
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}
