// Is a traceparent read as W3C Trace Context has it, and is a share of traces a share?
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { seededRandom } from './testing/filter-stage.ts'
import { createId, formatTraceParent, isWithinRatio, readTraceParent } from './trace-context.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const whole = `00-${traceId}-${spanId}-01`

const values: readonly {
  readonly value: string | undefined
  /** Undefined: none. */
  readonly isSampled: boolean | undefined
  readonly why: string
}[] = [
  { value: whole, isSampled: true, why: 'sampled' },
  { value: whole.replace(/1$/, '0'), isSampled: false, why: 'not sampled' },
  { value: whole.replace(/01$/, 'ff'), isSampled: true, why: 'other flags besides' },
  { value: whole.replace(/01$/, '02'), isSampled: false, why: 'other flags only' },
  { value: undefined, isSampled: undefined, why: 'no field' },
  { value: '', isSampled: undefined, why: 'empty' },
  { value: whole.toUpperCase(), isSampled: undefined, why: '§3.2.2: lower case only' },
  { value: `ff${whole.slice(2)}`, isSampled: undefined, why: '§3.2.2.1: version ff is none' },
  { value: `${whole}-x`, isSampled: undefined, why: 'version 00 ends with the flags' },
  { value: `cc${whole.slice(2)}-what`, isSampled: true, why: '§4.3: a later version may say more' },
  { value: `cc${whole.slice(2)}.what`, isSampled: undefined, why: 'but only behind a dash' },
  { value: `cc${whole.slice(2)}`, isSampled: true, why: 'or nothing more' },
  { value: `00-${'0'.repeat(32)}-${spanId}-01`, isSampled: undefined, why: '§3.2.2.3: no trace' },
  { value: `00-${traceId}-${'0'.repeat(16)}-01`, isSampled: undefined, why: '§3.2.2.4: no parent' },
  { value: `${whole}, ${whole}`, isSampled: undefined, why: 'two lines' },
  { value: ` ${whole}`, isSampled: undefined, why: 'a space before it' },
  { value: `${whole}\n`, isSampled: undefined, why: 'a line feed behind it' },
  { value: whole.slice(0, -1), isSampled: undefined, why: 'cut short' },
]

for (const { value, isSampled, why } of values) {
  t.test(why, async (t) => {
    const wanted = isSampled === undefined ? undefined : { traceId, spanId, isSampled }
    t.strictSame(readTraceParent(value), wanted)
  })
}

t.test('any text is read as a naive reader does', async (t) => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789abcdefA-'), maxLength: 40 })
  const texts = fc.oneof(
    fc.string(),
    fc.array(digits, { maxLength: 5 }).map((parts) => parts.join('-')),
    fc
      .tuple(fc.constantFrom('00', '01', 'ff', '0'), fc.nat(60), fc.constantFrom('', '-', '0', 'g'))
      .map(([version, at, put]) => {
        const text = version + whole.slice(2)
        return text.slice(0, at) + put + text.slice(at)
      }),
  )
  assertProperty(
    t,
    fc.property(texts, (text) => isDeepStrictEqual(readTraceParent(text), readNaively(text))),
    { numRuns: 2000 },
  )
  t.pass('as a naive reader')
})

/** §3.2.2, part by part. */
function readNaively(text: string): ReturnType<typeof readTraceParent> {
  const isHex = (part: string | undefined, length: number) =>
    part?.length === length && [...part].every((letter) => '0123456789abcdef'.includes(letter))
  const [version = '', trace = '', parent = '', flags = '', ...more] = text.split('-')
  if (!isHex(version, 2) || version === 'ff' || (version === '00' && more.length > 0)) return
  if (!isHex(trace, 32) || !isHex(parent, 16) || !isHex(flags, 2)) return
  if (BigInt(`0x${trace}`) === 0n || BigInt(`0x${parent}`) === 0n) return
  return { traceId: trace, spanId: parent, isSampled: Number(`0x${flags}`) % 2 === 1 }
}

t.test('what is written is read again, and ids are ids', async (t) => {
  const random = seededRandom(7)
  for (const extreme of [() => 0, () => 1 - 2 ** -53, random]) {
    const made = { traceId: createId(4, extreme), spanId: createId(2, extreme), isSampled: true }
    t.strictSame(readTraceParent(formatTraceParent(made)), made)
    t.strictSame(readTraceParent(formatTraceParent({ ...made, isSampled: false })), {
      ...made,
      isSampled: false,
    })
  }
})

t.test('a share is a share, and grows', async (t) => {
  const random = seededRandom(11)
  const ids = Array.from({ length: 20_000 }, () => createId(4, random))
  const within = (ratio: number) => ids.filter((id) => isWithinRatio(id, ratio))
  t.equal(within(0).length, 0)
  t.equal(within(1).length, ids.length)
  const tenth = within(0.1)
  t.ok(Math.abs(tenth.length - 2000) < 200, `${tenth.length} of 20,000`)
  const half = new Set(within(0.5))
  t.ok(
    tenth.every((id) => half.has(id)),
    'who samples more has what others have',
  )
})
