// Credentials that are read again when they are old, and at once when they were refused.
//
// Invariant: readers at the same time share one reading, and get the same object as before when nothing changed: a new
// object means new connections.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { KubeAuth, KubeConfig } from './auth.ts'

export interface AuthCacheOptions {
  readonly clock: Clock
  /** Reads the credentials; `wasRefused`: what it may have kept from an earlier reading is not to be used. */
  readonly read: (wasRefused: boolean) => Promise<KubeAuth>
}

/** How old credentials may become; bound tokens are rotated long before they expire. */
const lifetimeMs = 30_000

export function createAuthCache({
  clock,
  read,
}: AuthCacheOptions): Pick<KubeConfig, 'auth' | 'forget'> {
  let known: KubeAuth | undefined
  let readAtMs = Number.NEGATIVE_INFINITY
  let wasRefused = false
  let reading: Promise<KubeAuth> | undefined

  async function readAnew(): Promise<KubeAuth> {
    const refused = wasRefused
    wasRefused = false
    // From before the reading: what changes while it is underway is seen next time.
    const startedAtMs = clock.now()
    const auth = await read(refused)
    if (known === undefined || !isDeepStrictEqual(known, auth)) known = auth
    readAtMs = startedAtMs
    return known
  }

  return {
    async auth() {
      if (known !== undefined && clock.now() - readAtMs < lifetimeMs) return known
      reading ??= readAnew().finally(() => {
        reading = undefined
      })
      return await reading
    },
    forget() {
      readAtMs = Number.NEGATIVE_INFINITY
      wasRefused = true
    },
  }
}
