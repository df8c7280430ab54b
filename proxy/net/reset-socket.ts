// How is a connection cut so that its peer notices, whatever is still on its way?
import type { Socket } from 'node:net'

/**
 * Cuts a connection by a reset, or closes it where it was ended already: libuv refuses a reset while an end is under way, and
 * Node then loses the handle for good (no `close`, an open descriptor, an event loop that never ends).
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
