// Which loopback networks 127.N.0.0/16 does a run have for itself? The first that no other run on this machine has: a run holds a
// listener that says which are its own.
import { once } from 'node:events'
import net from 'node:net'

/** Networks that lie side by side. */
export interface Networks {
  /** How many blocks were taken by others. */
  readonly block: number
  /** N of the first of them. */
  readonly first: number
  /** Gives them free. */
  release(): void
}

/** Takes `width` networks from the `from`th on, or the next `width` after those; rejects when all `most` blocks are taken. */
export async function takeNetworks(from: number, width: number, most: number): Promise<Networks> {
  for (let block = 0; block < most; block += 1) {
    const first = from + block * width
    const holder = await hold(`127.${first}.255.254`)
    if (holder !== undefined) return { block, first, release: () => holder.close() }
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
