// Which loopback addresses do the endpoints of a run have? Those of the cases, or, while another run on this machine has them,
// the same moved on.
import { takeNetworks } from '../support/networks.ts'

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
  const { block, release } = await takeNetworks(64, networks, most)
  return {
    moved: (text) =>
      text
        .replace(network, (_, second) => `127.${Number(second) + block * networks}.`)
        .replace(outsidePort, `${284 + block}`),
    release,
  }
}
