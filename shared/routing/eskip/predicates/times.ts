// Predicates about the time.
import type { Arg } from '../language.ts'
import { type Predicate, textsOf, wrong, wrongArgs } from './predicate.ts'

const latest = 8_640_000_000_000_000
const time = 'times as `2026-01-31T12:00:00+01:00`, or seconds since 1970'
const remedy = `Write ${time}.`

/** Gives a time in ms since 1970; NaN when it is none. `zone` is for times that name none. */
function readTime(arg: Arg | undefined, zone: string | undefined): number {
  if (typeof arg === 'number') return arg * 1000
  if (typeof arg !== 'string') return Number.NaN
  const parts = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(arg)
  if (parts === null) return Number.NaN
  if (zone === undefined) return parts[1] === undefined ? Number.NaN : Date.parse(arg)
  return parts[1] === undefined ? inZone(Date.parse(`${arg}Z`), zone) : Number.NaN
}

/** Gives the moment at which clocks of a zone show a time; `shown` is that time as if it were UTC. */
function inZone(shown: number, zone: string): number {
  try {
    const first = shown - offsetAt(shown, zone)
    // Near a change of the clocks the offset of the moment itself counts.
    return shown - offsetAt(first, zone)
  } catch {
    return Number.NaN
  }
}

function offsetAt(moment: number, zone: string): number {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  })
  return (
    Date.parse(`${format.format(moment).replace(' ', 'T')}Z`) - Math.floor(moment / 1000) * 1000
  )
}

/** `count` times, and perhaps the zone of those that name none. */
function readTimes(args: readonly Arg[], count: number): readonly number[] | undefined {
  const zone = args.length === count + 1 ? args[count] : undefined
  if (args.length !== count && typeof zone !== 'string') return undefined
  return args
    .slice(0, count)
    .map((arg) => readTime(arg, typeof zone === 'string' ? zone : undefined))
}

function interval(
  name: string,
  count: number,
  meaning: string,
  bounds: (times: readonly number[]) => readonly [fromMs: number, untilMs: number],
): Predicate {
  const args = `${count === 1 ? 'one of' : 'two'} ${time}, and perhaps a zone, such as "Europe/Berlin", for times without one`
  return {
    name,
    args,
    meaning,
    read(given) {
      const times = readTimes(given, count)
      if (times === undefined) return wrongArgs(args)
      if (times.some(Number.isNaN)) return wrong('has a time that is none', remedy)
      const [fromMs, untilMs] = bounds(times)
      return { conditions: [{ kind: 'time', fromMs, untilMs }] }
    },
  }
}

/** Those of Skipper that look at the clock. */
export const times: readonly Predicate[] = [
  interval('Between', 2, 'From the first time on, until the second.', ([from = 0, until = 0]) => [
    from,
    until,
  ]),
  interval('Before', 1, 'Until this time.', ([until = 0]) => [-latest, until]),
  interval('After', 1, 'From this time on.', ([from = 0]) => [from, latest]),
  {
    name: 'Cron',
    args: 'five fields, as cron has them',
    meaning: 'In these minutes, in UTC; day of the month and day of the week must both fit.',
    read(args) {
      const [expression] = textsOf(args, 1, 1) ?? []
      if (expression === undefined) return wrongArgs(this.args)
      return { conditions: [{ kind: 'cron', expression }] }
    },
  },
]
