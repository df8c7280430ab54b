// How are a case's steps put on a socket? Shared by the raw client and the recorder's scripts.
import type net from 'node:net'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { cut, type Part, type Segmentation } from './cases.ts'

// A case that drips for ten minutes has shown what it shows after a few drops.
const maxScaledDrips = 5

/** What a player needs to know of the other side; the recorder's scripts need nothing. */
export interface Hooks {
  /** Resolves when a response with this status came, or nothing more can come. */
  awaitStatus(status: number): Promise<void>
  /** Starts to read slowly. */
  readSlowly(bytesPerSecond: number): void
}

async function write(socket: net.Socket, text: string): Promise<void> {
  if (!socket.writable) return
  if (socket.write(text, 'latin1')) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => resolve()
  socket.once('drain', done).once('close', done)
  await promise
  socket.off('drain', done).off('close', done)
}

async function writeCut(socket: net.Socket, text: string, how: Segmentation): Promise<void> {
  for (const piece of cut(text, how)) {
    if (!socket.writable) return
    await write(socket, piece)
    if (how !== 'whole') await nextTurn()
  }
}

async function drip(socket: net.Socket, part: Part, timeScale: number): Promise<void> {
  const everyMs = (part.everyMs ?? 0) * timeScale
  if (part.bytes !== undefined) {
    for (const piece of part.drip ?? '') {
      await write(socket, piece)
      await delay(everyMs)
    }
    return
  }
  const times = everyMs >= 100 ? Math.min(part.times ?? 1, maxScaledDrips) : (part.times ?? 1)
  for (let sent = 0; sent < times && socket.writable; sent++) {
    await write(socket, part.drip ?? '')
    await delay(everyMs)
  }
}

/** Plays steps in order; stops early when the other side is gone. Pauses are multiplied by `timeScale`. */
export async function playParts(
  socket: net.Socket,
  parts: readonly Part[],
  segmentation: Segmentation,
  timeScale: number,
  hooks?: Hooks,
): Promise<void> {
  for (const part of parts) {
    if (part.text !== undefined) await writeCut(socket, part.text, segmentation)
    else if (part.repeat !== undefined) {
      await playRepeat(socket, part.repeat, part.times ?? 1, segmentation)
    } else if (part.drip !== undefined) await drip(socket, part, timeScale)
    else if (part.waitMs !== undefined) await waitOrClose(socket, part.waitMs * timeScale)
    else if (part.awaitStatus !== undefined) await hooks?.awaitStatus(part.awaitStatus)
    else if (part.readBytesPerSecond !== undefined) hooks?.readSlowly(part.readBytesPerSecond)
    else if (part.reset === true) socket.resetAndDestroy()
    else if (part.halfClose === true || part.close === true) socket.end()
  }
}

// Repeated pieces above this size go out as they are, with back-pressure: an infinite body must not be built first.
const wholeRepeat = 262_144

async function playRepeat(
  socket: net.Socket,
  piece: string,
  times: number,
  segmentation: Segmentation,
): Promise<void> {
  if (piece.length * times <= wholeRepeat) {
    await writeCut(socket, piece.repeat(times), segmentation)
    return
  }
  for (let sent = 0; sent < times && socket.writable; sent++) await write(socket, piece)
}

/** Waits, but not for a socket that is gone. */
async function waitOrClose(socket: net.Socket, ms: number): Promise<void> {
  const stop = new AbortController()
  const wait = delay(ms, undefined, { signal: stop.signal })
  const gone = () => stop.abort()
  socket.once('close', gone)
  await wait.catch(() => {})
  socket.off('close', gone)
}
