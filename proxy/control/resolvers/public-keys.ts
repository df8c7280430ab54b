// Which public key is it that a load balancer signed with? Fetched when a token first names it, for all workers.
//
//   token ─► worker ─► find ─► remembered? ─► fetched (bounded) ─► remembered, as long as it counts ─► worker
//
// Invariant: clients choose the names of keys: how many are fetched, and how many are remembered, is bounded, and a name that
// nobody knows never pushes out a key that is one.
// Invariant: a key that is known stays when its server is away; it leaves when the server says that it is none.
import { createBoundedCache } from '../../../shared/bounded-cache.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import { keyUrlOf } from '../../../shared/routing/filters/alb-identity.ts'
import type { KeyAnswer, KeyRef } from '../../../shared/routing/filters/kind.ts'
import type { TimedKeyAnswer } from '../../messages.ts'
import { StatusError } from './fetch-text.ts'

/** What the keeper of keys needs. */
export interface PublicKeysOptions {
  readonly clock: Clock
  readonly log: Log
  /** Gets the text of a URL within seconds; rejects, with StatusError where the server answered. */
  readonly fetchText: (url: string) => Promise<string>
  /** `--alb-keys`: where keys are instead of AWS's. */
  readonly base?: string | undefined
}

/** Finds keys of load balancers. */
export interface PublicKeys {
  /** Never rejects. */
  find(ref: KeyRef): Promise<TimedKeyAnswer>
}

const foundMs = 3_600_000
const missingMs = 60_000
// Also how long a known key counts that could not be fetched again.
const unavailableMs = 5_000
const maxKeys = 200
const maxAbsent = 1_000
const maxFetches = 8
// Names that are not known yet: so many at once, then one each second.
const burst = 30
const refillMs = 1_000

type Found = KeyAnswer & { readonly kind: 'found' }

interface Known {
  readonly answer: Found
  readonly until: number
}

interface Absent {
  readonly answer: KeyAnswer
  readonly until: number
}

/** Creates the keeper; nothing is fetched before a token names a key. */
export function createPublicKeys({ clock, log, fetchText, base }: PublicKeysOptions): PublicKeys {
  const keys = createBoundedCache<string, Known>({ max: maxKeys })
  const absent = createBoundedCache<string, Absent>({ max: maxAbsent })
  const fetches = new Map<string, Promise<TimedKeyAnswer>>()
  let paidUntil = 0

  /** Takes one from the budget of names that are not known yet (GCRA). */
  function mayLookUp(now: number): boolean {
    const next = Math.max(paidUntil, now) + refillMs
    if (next - now > burst * refillMs) return false
    paidUntil = next
    return true
  }

  async function look(url: string): Promise<TimedKeyAnswer> {
    try {
      const pem = await fetchText(url)
      if (!pem.includes('-----BEGIN PUBLIC KEY-----')) throw new Error('the text is no public key')
      const answer: Found = { kind: 'found', pem }
      keys.set(url, { answer, until: clock.now() + foundMs })
      absent.delete(url)
      return { answer, forMs: foundMs }
    } catch (error) {
      // S3, which serves them in GovCloud, says 403 for what is not there.
      const isMissing = error instanceof StatusError && [403, 404, 410].includes(error.status)
      if (!isMissing) log.warn({ url, error }, 'a key of a load balancer cannot be had')
      const known = keys.get(url)?.answer
      if (known !== undefined && !isMissing) {
        keys.set(url, { answer: known, until: clock.now() + unavailableMs })
        return { answer: known, forMs: unavailableMs }
      }
      keys.delete(url)
      const answer: KeyAnswer = { kind: isMissing ? 'missing' : 'unavailable' }
      const forMs = isMissing ? missingMs : unavailableMs
      absent.set(url, { answer, until: clock.now() + forMs })
      return { answer, forMs }
    }
  }

  return {
    async find(ref) {
      const url = keyUrlOf(ref, base)
      if (url === undefined) return { answer: { kind: 'missing' }, forMs: missingMs }
      const now = clock.now()
      const known = keys.get(url)
      const recent = known !== undefined && known.until > now ? known : absent.get(url)
      if (recent !== undefined && recent.until > now) {
        return { answer: recent.answer, forMs: recent.until - now }
      }
      const running = fetches.get(url)
      if (running !== undefined) return running
      if (known === undefined && (fetches.size >= maxFetches || !mayLookUp(now))) {
        return { answer: { kind: 'unavailable' }, forMs: refillMs }
      }
      const fetching = look(url).finally(() => fetches.delete(url))
      fetches.set(url, fetching)
      return fetching
    },
  }
}
