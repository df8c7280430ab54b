// How does the reader of a RouteGroup say what is wrong with it?
import { isAbsent, shown } from '../shapes.ts'

/** Notes what is wrong with the group. */
export type Complain = (field: string, message: string, remedy: string) => void

/** Gives a list, or what is absent as an empty one. */
export function listIn(value: unknown, field: string, complain: Complain): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (!isAbsent(value)) {
    const message = `${field} has the wrong shape: ${shown(value)}.`
    complain(field, message, `Write ${field} as a list.`)
  }
  return []
}
