// What is a predicate? A row of a table: what it is given, and what a match asks for by it.

import type { Condition } from '../../conditions/condition.ts'
import type { PathType } from '../../table.ts'
import { type Arg, textOfArg } from '../language.ts'

/** What one predicate asks for. Its conditions, and all that it weighs, join those of the others. */
export interface Wish {
  readonly conditions?: readonly Condition[]
  /** One for each predicate in Skipper; absent: 1. */
  readonly weight?: number
  /** Names of hosts, one of which must be the request's. */
  readonly hosts?: readonly string[]
  readonly pathType?: PathType
  readonly path?: string
  /** Of several with the same one the last counts, as of Skipper's headers. */
  readonly replaces?: string
}

/** Why arguments say nothing, as the end of the sentence "The predicate …", and what to do. */
export interface Wrong {
  readonly wrong: string
  readonly remedy: string
}

/** What the words that a route is made of say besides. */
export interface PredicateContext {
  /** Tells this predicate from all others that share the requests of a path. */
  readonly seed: number
}

/** A predicate that routes may use. */
export interface Predicate {
  readonly name: string
  /** What it is given, for documents and remedies. */
  readonly args: string
  /** For documents. */
  readonly meaning: string
  read(args: readonly Arg[], context: PredicateContext): Wish | Wrong
}

/** Says that arguments do not fit. */
export function wrong(what: string, remedy: string): Wrong {
  return { wrong: what, remedy }
}

/** Says that the number or the kinds of arguments do not fit. */
export function wrongArgs(args: string): Wrong {
  return wrong('has other arguments than it takes', `Write it with ${args}.`)
}

/** All arguments as texts; undefined when one is none, or their number is out of bounds. */
export function textsOf(
  args: readonly Arg[],
  least: number,
  most = Number.POSITIVE_INFINITY,
): readonly string[] | undefined {
  if (args.length < least || args.length > most) return undefined
  const texts = args.map(textOfArg)
  return texts.every((text) => text !== undefined) ? texts : undefined
}

/** Tells whether reading found fault. */
export function isWrong(read: Wish | Wrong): read is Wrong {
  return 'wrong' in read
}
