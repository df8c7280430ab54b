// What does one worker count of its TLS handshakes?
import type { TLSSocket } from 'node:tls'
import { type HandshakeFailure, handshakeFailures } from '../net/handshake-failure.ts'
import { families } from '../observe/families.ts'
import { add, type Slot, type Slots } from '../observe/slots.ts'

/** Counts handshakes as they end. */
export interface HandshakeMeter {
  done(socket: Pick<TLSSocket, 'getProtocol' | 'isSessionReused'>): void
  failed(failure: HandshakeFailure): void
}

/** Makes the meter of one worker. */
export function createHandshakeMeter(slots: Slots): HandshakeMeter {
  const doneOf = (version: string) => ({
    full: slots.counter(families.handshakes.name, { version, resumed: 'false' }),
    resumed: slots.counter(families.handshakes.name, { version, resumed: 'true' }),
  })
  const older = doneOf('1.2')
  const newer = doneOf('1.3')
  const failures = new Map<HandshakeFailure, Slot>(
    handshakeFailures.map((reason) => [
      reason,
      slots.counter(families.handshakeFailures.name, { reason }),
    ]),
  )
  return {
    done(socket) {
      const { full, resumed } = socket.getProtocol() === 'TLSv1.3' ? newer : older
      add(socket.isSessionReused() ? resumed : full, 1)
    },
    failed(failure) {
      const slot = failures.get(failure)
      if (slot !== undefined) add(slot, 1)
    },
  }
}
