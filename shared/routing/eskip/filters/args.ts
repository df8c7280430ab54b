// How are the arguments of a filter read? One by one, each with its name; what is wrong is told with that name.

import type { TemplateText } from '../../filters/template.ts'
import { readDuration } from '../duration.ts'
import { type Arg, textOfArg } from '../language.ts'
import { readTemplate } from './templates.ts'

/** Why a filter cannot be read: a sentence about its arguments. */
export class ArgumentFault extends Error {}

/** The arguments of one filter. Each method throws an ArgumentFault. */
export class Args {
  readonly #args: readonly Arg[]

  constructor(args: readonly Arg[]) {
    this.#args = args
  }

  get count(): number {
    return this.#args.length
  }

  /** The filter takes so many. */
  expect(least: number, most = least): void {
    if (this.count >= least && this.count <= most) return
    const range =
      least === most ? `${least}` : most === Infinity ? `${least} or more` : `${least} to ${most}`
    throw new ArgumentFault(
      `takes ${range} argument${range === '1' ? '' : 's'} and has ${this.count}`,
    )
  }

  has(index: number): boolean {
    return index < this.count
  }

  /** As it was written. */
  raw(index: number): Arg | undefined {
    return this.#args[index]
  }

  text(index: number, name: string): string {
    const text = textOfArg(this.#args[index])
    if (text === undefined) throw new ArgumentFault(`its ${name} must be a text`)
    return text
  }

  /** All from `index` on. */
  texts(index: number, name: string): readonly string[] {
    return this.#args.slice(index).map((_, at) => this.text(index + at, name))
  }

  /** A text that may hold placeholders. */
  template(index: number, name: string): TemplateText {
    return readTemplate(this.text(index, name))
  }

  number(index: number, name: string): number {
    const value = this.#args[index]
    if (typeof value !== 'number') throw new ArgumentFault(`its ${name} must be a number`)
    return value
  }

  /** A whole number in a range. */
  whole(index: number, name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = Math.trunc(this.number(index, name))
    if (value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`
    throw new ArgumentFault(`its ${name} must be ${range}`)
  }

  /** A time in ms, as Go writes it (`1m30s`), or a number of `unitMs`; undefined: numbers are refused. */
  duration(index: number, name: string, unitMs?: number): number {
    const value = this.#args[index]
    if (typeof value === 'number' && unitMs !== undefined && value >= 0) return value * unitMs
    const ms = typeof value === 'string' ? readDuration(value) : undefined
    if (ms === undefined)
      throw new ArgumentFault(`its ${name} must be a time such as "250ms" or "1m30s"`)
    return ms
  }

  oneOf<T extends string>(index: number, name: string, choices: readonly T[]): T {
    const text = this.text(index, name)
    const choice = choices.find((each) => each === text)
    if (choice !== undefined) return choice
    throw new ArgumentFault(
      `its ${name} must be ${choices.map((each) => `"${each}"`).join(' or ')}`,
    )
  }
}
