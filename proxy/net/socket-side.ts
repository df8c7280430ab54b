// How does a socket take part in a tunnel?
import type { Socket } from 'node:net'
import { holdsWritten } from './holds-written.ts'
import { resetSocket } from './reset-socket.ts'

/** The socket as one side of a tunnel: what it has, and a reset that cannot lose its handle. */
export function socketSide(socket: Socket) {
  return {
    write: (bytes: Buffer) => socket.write(bytes),
    get writableLength() {
      return socket.writableLength
    },
    get holdsBytes() {
      return holdsWritten(socket)
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroySoon: () => socket.destroySoon(),
    reset: () => resetSocket(socket),
    destroy: () => void socket.destroy(),
  }
}
