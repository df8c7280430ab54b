// An endpoint that does not answer at all, on loopback: its process stands still and its queue of connections is full.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'

/** A port at which connecting never succeeds and never fails. */
export interface Blackhole {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

const program = `
  const [host, port] = process.argv.slice(1)
  const server = require('node:net').createServer()
  server.listen({ port: Number(port), host, backlog: 1 }, () => console.log(server.address().port))
`
const quietMs = 300

/** Starts one: the kernel drops what comes for a full queue, as a network that swallows packets does. */
export async function startBlackhole(address = '127.0.0.1', wanted = 0): Promise<Blackhole> {
  const child = spawn(process.execPath, ['-e', program, address, `${wanted}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const port = Number(line)
  child.kill('SIGSTOP')
  const fillers: net.Socket[] = []
  // The queue holds one or two more than its backlog; the first that gets no answer shows that it is full.
  for (let isOpen = true; isOpen; ) {
    const socket = net.connect(port, address).on('error', () => undefined)
    fillers.push(socket)
    isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), quietMs)),
    ])
  }
  return {
    address,
    port,
    async close() {
      for (const socket of fillers) socket.destroy()
      const gone = once(child, 'close')
      child.kill('SIGKILL')
      await gone
    },
  }
}
