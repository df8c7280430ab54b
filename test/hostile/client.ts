// How does a raw client play a case, and how does one that means no harm ask beside it?
import { setTimeout as delay } from 'node:timers/promises'
import { connectRaw, type RawClient, type RawResponse } from '../support/raw-client.ts'
import type { Part, Segmentation } from './cases.ts'
import { playParts } from './play.ts'

// Some peers refuse for a moment after a case that made them restart a worker.
const tries = 4

/** Opens a connection; rejects when the target refuses again and again. */
export async function connectTo(host: string, port: number): Promise<RawClient> {
  for (let left = tries; ; left--) {
    try {
      return await connectRaw(port, { host })
    } catch (cause) {
      if (left === 1) throw new Error(`no connection to ${host}:${port}`, { cause })
      await delay(50)
    }
  }
}

/** Plays the steps of a case; gives what lets the client read at full speed again. */
export async function playOn(
  client: RawClient,
  parts: readonly Part[],
  segmentation: Segmentation,
  timeScale: number,
): Promise<{ resume(): void }> {
  const { socket } = client
  let slowTimer: NodeJS.Timeout | undefined
  await playParts(socket, parts, segmentation, timeScale, {
    async awaitStatus(status) {
      const isThere = () => client.responses.some((response) => response.status === status)
      await client.within(() => isThere() || socket.destroyed, 2000)
    },
    // The socket stays paused and gives up a byte now and then, so that its window closes.
    readSlowly(bytesPerSecond) {
      socket.pause()
      const everyMs = Math.max(1000 / (bytesPerSecond * Math.max(timeScale, 0.05)), 20)
      slowTimer = setInterval(() => socket.read(1), everyMs)
      socket.once('close', () => clearInterval(slowTimer))
    },
  })
  if (parts.some((part) => part.reset === true) && client.ended === 'open') client.ended = 'ours'
  return {
    resume() {
      clearInterval(slowTimer)
      socket.resume()
    },
  }
}

/** Sends one plain request and gives its answer, or undefined when none came whole. */
export async function getPlainly(
  client: RawClient,
  host: string,
  target: string,
): Promise<RawResponse | undefined> {
  const before = client.finals.length
  const isWhole = () => client.finals[before]?.complete === true
  client.expectAnswerTo('GET')
  client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await client.within(() => isWhole() || client.ended !== 'open', 5000)
  return isWhole() ? client.finals[before] : undefined
}
