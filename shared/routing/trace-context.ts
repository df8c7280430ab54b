// Which trace does a request belong to? W3C Trace Context, the field `traceparent`:
//
//   version - trace id (32 hex) - parent id (16 hex) - flags (2 hex)
//
// Invariant: what is not exactly that is no trace: a new one begins, and `tracestate` is not passed on (§3.2.2.5, §4.3).

/** Where a request comes from, in the trace that it brings. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

// Lower case only (§3.2.2). Later versions may have more behind the flags, version 00 has not (§3.2.2.4, §4.3).
const pattern =
  /^(?:00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|(?!00|ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/s
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

/** Reads `traceparent`; undefined when there is none that counts. Several lines, joined by a comma, are none. */
export function readTraceParent(value: string | undefined): TraceParent | undefined {
  if (value === undefined || !pattern.test(value)) return undefined
  const traceId = value.slice(3, 35)
  const spanId = value.slice(36, 52)
  if (traceId === noTrace || spanId === noSpan) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(value.slice(53, 55), 16) & 1) === 1 }
}

/** Writes `traceparent`, version 00; flags that version 00 does not know are 0 (§3.2.2.5). */
export function formatTraceParent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}`
}

/** Makes an id of `words` times 8 hex digits; `random` gives numbers in [0, 1). Never all zero (§3.2.2.3). */
export function createId(words: number, random: () => number): string {
  let id = ''
  for (let word = 0; word < words; word += 1) {
    // The last one is not 0, so that the id is not.
    const lowest = word === words - 1 ? 1 : 0
    id += (lowest + Math.floor(random() * (2 ** 32 - lowest))).toString(16).padStart(8, '0')
  }
  return id
}

// 52 bits of the id: the most that one number holds exactly, and in all of them who decides by the id decides alike.
const ratioDigits = 13
const ratioRange = 16 ** ratioDigits

/** Says of a share of all traces that they are sampled: of the same trace always the same. */
export function isWithinRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-ratioDigits), 16) < ratio * ratioRange
}
