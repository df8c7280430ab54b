// Is it one of these minutes? Five fields, as cron writes them: minute, hour, day of the month, month, day of the week, in UTC.
// All must fit (crontab takes either day; Skipper, whose conditions these are, wants both).
import type { CronCondition } from './condition.ts'
import type { ConditionKind } from './kind.ts'

interface Field {
  readonly least: number
  readonly most: number
  readonly of: (date: Date) => number
}

const fields: readonly Field[] = [
  { least: 0, most: 59, of: (date) => date.getUTCMinutes() },
  { least: 0, most: 23, of: (date) => date.getUTCHours() },
  { least: 1, most: 31, of: (date) => date.getUTCDate() },
  { least: 1, most: 12, of: (date) => date.getUTCMonth() + 1 },
  // 7 is Sunday, too.
  { least: 0, most: 7, of: (date) => date.getUTCDay() },
]

const part = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/

/** `cron`. */
export const cron: ConditionKind<CronCondition> = {
  fault({ expression }) {
    return readCron(expression) === undefined
      ? `has '${expression}', which is not five fields of numbers, ranges and lists, such as '0-29 8-17 * * 1-5'`
      : undefined
  },
  compile({ expression }, { wallNow }) {
    const sets = readCron(expression) ?? []
    return () => {
      const date = new Date(wallNow())
      return fields.every(({ of }, at) => sets[at]?.has(of(date)) === true)
    }
  },
}

function readCron(expression: string): readonly ReadonlySet<number>[] | undefined {
  const texts = expression.trim().split(/\s+/)
  if (texts.length !== fields.length) return undefined
  const sets = fields.map((field, at) => readField(texts[at] ?? '', field))
  return sets.every((set) => set !== undefined) ? sets : undefined
}

function readField(text: string, { least, most }: Field): ReadonlySet<number> | undefined {
  const set = new Set<number>()
  for (const piece of text.split(',')) {
    const found = part.exec(piece)
    if (found === null) return undefined
    const [, from, to, step = '1'] = found
    const first = from === undefined ? least : Number(from)
    const last = from === undefined ? most : Number(to ?? from)
    if (first < least || last > most || first > last || step === '0') return undefined
    for (let each = first; each <= last; each += Number(step)) {
      set.add(most === 7 ? each % 7 : each)
    }
  }
  return set
}
